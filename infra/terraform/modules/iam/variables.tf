variable "name" {
  description = "Name of the fleet; begins the names of all that is made."
  type        = string
  nullable    = false
}

variable "role" {
  description = "What the machine is: router, instance or backup."
  type        = string
  nullable    = false

  validation {
    condition     = contains(["router", "instance", "backup"], var.role)
    error_message = "role must be router, instance or backup."
  }
}

variable "kms_key_arn" {
  description = "Key of all that is kept."
  type        = string
  nullable    = false
}

variable "secret_arns" {
  description = "Secrets that such a machine reads."
  type        = list(string)
  nullable    = false
}

variable "package_arns" {
  description = "Objects of S3 that such a machine installs."
  type        = list(string)
  nullable    = false
}

variable "file_system_arn" {
  description = "ARN of the shared storage."
  type        = string
  nullable    = false
}

variable "access_point_arn" {
  description = "ARN of the access point by which it is mounted."
  type        = string
  nullable    = false
}

variable "backup_bucket_arn" {
  description = "Bucket of the backups, for the backup service; null for all others."
  type        = string
  default     = null
}

variable "backup_prefix" {
  description = "What names of objects of backups begin with."
  type        = string
  default     = "backups/"
  nullable    = false
}
