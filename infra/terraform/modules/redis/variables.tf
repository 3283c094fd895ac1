variable "name" {
  description = "Name of the replication group, at most 40 characters."
  type        = string
  nullable    = false

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{0,38}[a-z0-9]$", var.name)) && !strcontains(var.name, "--")
    error_message = "name must have at most 40 of a-z, 0-9 and single hyphens, and begin with a letter."
  }
}

variable "purpose" {
  description = "What it is for, in a few words."
  type        = string
  nullable    = false
}

variable "node_type" {
  description = "Type of its nodes. Not cache.t1, cache.t2 and not cache.t3 or t4g where queues are full for long: those have CPU credits."
  type        = string
  nullable    = false

  validation {
    condition     = startswith(var.node_type, "cache.")
    error_message = "node_type must be a type of ElastiCache, such as cache.m7g.large."
  }
}

variable "nodes" {
  description = "Nodes, each in another zone while there are zones: one primary, the others replicas. Two at least."
  type        = number
  nullable    = false

  validation {
    condition     = var.nodes >= 2 && var.nodes <= 6
    error_message = "nodes must be from 2 to 6: with one there is nothing to fail over to."
  }
}

variable "replicas_to_write" {
  description = "Replicas that must be connected, or writes are refused (min-replicas-to-write). 0: writes go on with the primary alone."
  type        = number
  default     = 0
  nullable    = false

  validation {
    condition     = var.replicas_to_write >= 0 && (var.replicas_to_write == 0 || var.replicas_to_write < var.nodes - 1)
    error_message = "replicas_to_write must be less than the number of replicas: else the loss of one node stops all writes."
  }
}

variable "subnet_ids" {
  description = "Subnets of its nodes."
  type        = list(string)
  nullable    = false
}

variable "security_group_id" {
  description = "Its security group."
  type        = string
  nullable    = false
}

variable "kms_key_arn" {
  description = "Key that encrypts what it keeps, and the secret with its URL."
  type        = string
  nullable    = false
}

variable "token_generation" {
  description = "Another number makes another auth token. The one before stays good until token_strategy is SET."
  type        = number
  default     = 1
  nullable    = false
}

variable "token_strategy" {
  description = "What a new auth token does: ROTATE takes it beside the old one, SET ends the old one."
  type        = string
  default     = "ROTATE"
  nullable    = false

  validation {
    condition     = contains(["ROTATE", "SET"], var.token_strategy)
    error_message = "token_strategy must be ROTATE or SET."
  }
}

variable "snapshot_days" {
  description = "Days for which the daily snapshot is kept."
  type        = number
  default     = 7
  nullable    = false

  validation {
    condition     = var.snapshot_days >= 1 && var.snapshot_days <= 35
    error_message = "snapshot_days must be from 1 to 35."
  }
}
