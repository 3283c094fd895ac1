variable "name" {
  description = "Name of the fleet; begins the names of all that is made."
  type        = string
  nullable    = false
}

variable "kms_key_arn" {
  description = "Key that encrypts the secrets."
  type        = string
  nullable    = false
}

variable "generations" {
  description = "Another number makes another internal token or admin key; docs/aws.md says what to restart then."
  type = object({
    internal_token = optional(number, 1)
    admin_key      = optional(number, 1)
  })
  default  = {}
  nullable = false
}
