variable "name" {
  description = "Name of the bucket: unique in all of AWS."
  type        = string
  nullable    = false

  validation {
    condition     = can(regex("^[a-z0-9][a-z0-9-]{1,61}[a-z0-9]$", var.name))
    error_message = "name must have 3 to 63 of a-z, 0-9 and hyphens."
  }
}

variable "kms_key_arn" {
  description = "Key that encrypts it; null: S3's own keys, which is all that access logs of load balancers can be written with."
  type        = string
  default     = null
}

variable "noncurrent_days" {
  description = "Days for which what was removed or overwritten can still be had."
  type        = number
  default     = 30
  nullable    = false

  validation {
    condition     = var.noncurrent_days >= 1
    error_message = "noncurrent_days must be 1 or more."
  }
}

variable "expire_days" {
  description = "Days after which objects are removed; null: never. Never give it for backups: an old object may be part of the newest backup."
  type        = number
  default     = null
}

variable "object_lock_days" {
  description = "Days for which nobody, not even who has the credentials, can end a version (governance mode); null: no Object Lock. Can be chosen when the bucket is made, and not later."
  type        = number
  default     = null

  validation {
    condition     = var.object_lock_days == null || try(var.object_lock_days >= 1 && var.object_lock_days <= 365, false)
    error_message = "object_lock_days must be from 1 to 365."
  }
}

variable "logging" {
  description = "Bucket that gets a line for each request to this one; null: none."
  type        = object({ bucket = string })
  default     = null
}

variable "log_delivery" {
  description = "Lets load balancers and S3 of this account write their access logs here."
  type        = bool
  default     = false
  nullable    = false
}
