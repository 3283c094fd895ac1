variable "region" {
  description = "Region of AWS."
  type        = string
  nullable    = false
}

variable "zones" {
  description = "Three availability zones of it."
  type        = list(string)
  nullable    = false
}

variable "name" {
  description = "Name of the fleet."
  type        = string
  default     = "wharf"
  nullable    = false
}

variable "ami_id" {
  description = "Image of Debian 12 for amd64, of Debian's own account."
  type        = string
  nullable    = false
}

variable "packages" {
  description = "What machines install: bucket, and key and SHA-256 of Wharf's package, of amazon-efs-utils and, by key, of Chromium's two."
  type = object({
    bucket           = string
    wharf_key        = string
    wharf_sha256     = string
    efs_utils_key    = string
    efs_utils_sha256 = string
    chromium         = optional(map(string), {})
  })
  nullable = false
}

variable "domain_name" {
  description = "Name under which the API is reached."
  type        = string
  nullable    = false
}

variable "certificate_arn" {
  description = "Certificate of ACM for it, in the same region."
  type        = string
  nullable    = false
}

variable "dns_zone_id" {
  description = "Zone of Route 53 that gets the record; null: you make it."
  type        = string
  default     = null
}

variable "client_cidrs" {
  description = "Addresses whose programs may use the API."
  type        = set(string)
  nullable    = false
}

variable "monitoring_cidrs" {
  description = "Addresses from which Prometheus may read metrics."
  type        = set(string)
  default     = []
  nullable    = false
}

variable "alarm_emails" {
  description = "Addresses that alarms are mailed to."
  type        = set(string)
  nullable    = false
}

variable "avoided_zones" {
  description = "Zones in which no machine of the fleet is to stand for now: for when one is lost."
  type        = set(string)
  default     = []
  nullable    = false
}

variable "sessions" {
  description = "For how many sessions the fleet is: 1000, 2000 or 3000."
  type        = number
  nullable    = false

  validation {
    condition     = contains([1000, 2000, 3000], var.sessions)
    error_message = "sessions must be 1000, 2000 or 3000: see sizes.tf."
  }
}

variable "instance_machines" {
  description = "Machines that run sessions; null: as many as the size has."
  type        = number
  default     = null
}

variable "home_count" {
  description = "What the home rule divides by; null: the number of instances. See docs/aws.md before you change the number of machines."
  type        = number
  default     = null
}
