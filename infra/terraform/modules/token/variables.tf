variable "length" {
  description = "Letters and digits of the token."
  type        = number
  default     = 64
  nullable    = false

  validation {
    condition     = var.length >= 32 && var.length <= 128
    error_message = "length must be from 32 to 128."
  }
}

variable "generation" {
  description = "Another number makes another token."
  type        = number
  default     = 1
  nullable    = false
}
