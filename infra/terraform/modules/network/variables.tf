variable "name" {
  description = "Name of the fleet; begins the names of all that is made."
  type        = string
  nullable    = false
}

variable "cidr" {
  description = "Addresses of the network, between a /16 and a /22. Each zone gets a sixteenth for machines and a sixteenth for load balancers and NAT."
  type        = string
  default     = "10.40.0.0/16"
  nullable    = false

  validation {
    condition     = can(cidrhost(var.cidr, 0)) && try(tonumber(split("/", var.cidr)[1]) >= 16 && tonumber(split("/", var.cidr)[1]) <= 22, false)
    error_message = "cidr must be an IPv4 range between a /16 and a /22, such as 10.40.0.0/16."
  }
}

variable "zones" {
  description = "Availability zones, two to six: the storage and Redis stand in all of them, machines are spread over them."
  type        = list(string)
  nullable    = false

  validation {
    condition     = length(var.zones) >= 2 && length(var.zones) <= 6 && length(distinct(var.zones)) == length(var.zones)
    error_message = "zones must name two to six different availability zones."
  }
}

variable "nat_per_zone" {
  description = "A NAT gateway in each zone. With one for all, the loss of its zone cuts every session off from WhatsApp."
  type        = bool
  default     = true
  nullable    = false
}

variable "interface_endpoints" {
  description = "AWS services that are reached inside the network instead of through NAT, such as secretsmanager, ssm, ssmmessages, ec2messages, autoscaling, monitoring. Each costs by hour and zone; none is needed."
  type        = set(string)
  default     = []
  nullable    = false
}

variable "flow_log_days" {
  description = "Days for which records of the network's connections are kept in CloudWatch; 0: none are made."
  type        = number
  default     = 30
  nullable    = false

  validation {
    condition     = contains([0, 1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731], var.flow_log_days)
    error_message = "flow_log_days must be 0 or a period that CloudWatch knows: 1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545 or 731."
  }
}

variable "kms_key_arn" {
  description = "Key that encrypts the flow log."
  type        = string
  nullable    = false
}
