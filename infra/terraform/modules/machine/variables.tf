variable "name" {
  description = "Name of the fleet."
  type        = string
  nullable    = false
}

variable "role" {
  description = "What the machines are: router, instance or backup."
  type        = string
  nullable    = false

  validation {
    condition     = contains(["router", "instance", "backup"], var.role)
    error_message = "role must be router, instance or backup."
  }
}

variable "slot" {
  description = "Which of its kind this is, for host names and metrics: a number, or \"all\" where one group has several machines."
  type        = string
  nullable    = false
}

variable "count_of_machines" {
  description = "Machines in the group. A slot has one."
  type        = number
  default     = 1
  nullable    = false
}

variable "instance_numbers" {
  description = "Numbers of the instances that run on it; none on routers and for backups."
  type        = list(number)
  default     = []
  nullable    = false
}

variable "ami_id" {
  description = "Image of Debian 12 for amd64."
  type        = string
  nullable    = false
}

variable "machine_type" {
  description = "Type of EC2, such as r7i.4xlarge."
  type        = string
  nullable    = false
}

variable "disk_gib" {
  description = "Disk of the machine in GiB: the system, logs, and copies of sessions on their way to a backup."
  type        = number
  nullable    = false

  validation {
    condition     = var.disk_gib >= 16
    error_message = "disk_gib must be 16 or more."
  }
}

variable "subnet_ids" {
  description = "Private subnets that it may stand in."
  type        = list(string)
  nullable    = false
}

variable "security_group_id" {
  description = "Its security group."
  type        = string
  nullable    = false
}

variable "instance_profile_name" {
  description = "Profile that gives it its role."
  type        = string
  nullable    = false
}

variable "target_group_arns" {
  description = "Target groups of load balancers that it is in."
  type        = list(string)
  default     = []
  nullable    = false
}

variable "parameter" {
  description = "Parameter of Systems Manager that holds its settings."
  type        = string
  nullable    = false
}

variable "packages" {
  description = "What is installed: bucket, and key and SHA-256 of Wharf's package, of amazon-efs-utils and, by key, of Chromium's (none: Debian's newest)."
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

variable "file_system_id" {
  description = "The shared storage."
  type        = string
  nullable    = false
}

variable "access_point_id" {
  description = "Access point by which it is mounted."
  type        = string
  nullable    = false
}

variable "owner_id" {
  description = "User and group id of wharf."
  type        = number
  nullable    = false
}

variable "drain_seconds" {
  description = "How long a machine that leaves may take to drain, before the rest is taken over by others."
  type        = number
  default     = 1200
  nullable    = false

  validation {
    condition     = var.drain_seconds >= 60 && var.drain_seconds <= 7200
    error_message = "drain_seconds must be from 60 to 7200."
  }
}
