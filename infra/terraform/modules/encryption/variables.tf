variable "name" {
  description = "Name of the fleet; begins the names of all that is made."
  type        = string
  nullable    = false
}
