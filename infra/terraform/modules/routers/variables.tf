variable "name" {
  description = "Name of the fleet; at most 24 characters, since names of load balancers are short."
  type        = string
  nullable    = false
}

variable "machines" {
  description = "Routers. Two at least: one leads, and each answers."
  type        = number
  nullable    = false

  validation {
    condition     = var.machines >= 2 && var.machines <= 20 && floor(var.machines) == var.machines
    error_message = "machines must be a whole number from 2 to 20: with one router, nobody leads while it is replaced."
  }
}

variable "vpc_id" {
  description = "Id of the network."
  type        = string
  nullable    = false
}

variable "internal" {
  description = "The load balancer has private addresses alone."
  type        = bool
  nullable    = false
}

variable "balancer_subnet_ids" {
  description = "Subnets of the load balancer: private ones where it is internal, else public ones."
  type        = list(string)
  nullable    = false
}

variable "balancer_security_group_id" {
  description = "Security group of the load balancer."
  type        = string
  nullable    = false
}

variable "certificate_arn" {
  description = "Certificate of ACM for domain_name."
  type        = string
  nullable    = false

  validation {
    condition     = can(regex("^arn:[a-z-]+:acm:", var.certificate_arn))
    error_message = "certificate_arn must be the ARN of a certificate of ACM."
  }
}

variable "domain_name" {
  description = "Name under which the API is reached."
  type        = string
  nullable    = false
}

variable "zone_id" {
  description = "Zone of Route 53 that gets a record for domain_name; null: you make the record."
  type        = string
  default     = null
}

variable "tls_policy" {
  description = "Security policy of the listener."
  type        = string
  default     = "ELBSecurityPolicy-TLS13-1-2-2021-06"
  nullable    = false

  validation {
    condition     = can(regex("^ELBSecurityPolicy-TLS13-1-[23]", var.tls_policy))
    error_message = "tls_policy must be one of ELBSecurityPolicy-TLS13-1-2-... or -1-3-...: nothing below TLS 1.2."
  }
}

variable "idle_seconds" {
  description = "How long a connection may be silent. Longer than WHARF_MOVE_HOLD_TIME (30 s) and than the sign of life in streams of events."
  type        = number
  default     = 120
  nullable    = false

  validation {
    condition     = var.idle_seconds >= 60 && var.idle_seconds <= 4000
    error_message = "idle_seconds must be from 60 to 4000."
  }
}

variable "log_bucket" {
  description = "Bucket for access logs."
  type        = string
  nullable    = false
}

variable "deletion_protection" {
  description = "The load balancer cannot be deleted until this is false."
  type        = bool
  default     = true
  nullable    = false
}

variable "subnet_ids" {
  description = "Private subnets of the routers."
  type        = list(string)
  nullable    = false
}

variable "machine" {
  description = "What its machines have in common; see module machine."
  type = object({
    ami_id                = string
    machine_type          = string
    disk_gib              = number
    security_group_id     = string
    instance_profile_name = string
    parameter             = string
    packages = object({
      bucket           = string
      wharf_key        = string
      wharf_sha256     = string
      efs_utils_key    = string
      efs_utils_sha256 = string
      chromium         = optional(map(string), {})
    })
    file_system_id  = string
    access_point_id = string
    owner_id        = number
  })
  nullable = false
}
