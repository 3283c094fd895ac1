variable "name" {
  description = "Name of the fleet; begins the names of all that is made."
  type        = string
  nullable    = false
}

variable "topic_arn" {
  description = "SNS topic that is told when an alarm begins and ends."
  type        = string
  nullable    = false
}

variable "groups" {
  description = "Auto Scaling groups, and how many machines each should have in service."
  type        = map(number)
  nullable    = false
}

variable "slots" {
  description = "Slots of instances whose machines tell of their memory and disk."
  type        = set(string)
  nullable    = false
}

variable "file_system_id" {
  description = "The shared storage."
  type        = string
  nullable    = false
}

variable "throughput" {
  description = "How the shared storage gives throughput: elastic, bursting or provisioned."
  type        = string
  nullable    = false
}

variable "redis_nodes" {
  description = "Nodes of ElastiCache, as CloudWatch names them."
  type        = set(string)
  nullable    = false
}

variable "balancer_metric_id" {
  description = "How CloudWatch names the load balancer."
  type        = string
  nullable    = false
}

variable "target_metric_id" {
  description = "How CloudWatch names the load balancer's target group."
  type        = string
  nullable    = false
}

variable "limits" {
  description = "When to be told. Percent of memory and disk of machines, of Redis's memory and CPU, of EFS's requests; GiB on the storage (there are no quotas on EFS, so this is the quota); seconds since the last backup; answers of 5xx in five minutes."
  type = object({
    machine_memory_percent = optional(number, 85)
    machine_disk_percent   = optional(number, 80)
    redis_memory_percent   = optional(number, 70)
    redis_cpu_percent      = optional(number, 70)
    storage_io_percent     = optional(number, 80)
    storage_gib            = optional(number, 1024)
    backup_age_seconds     = optional(number, 5400)
    errors_in_five_minutes = optional(number, 20)
  })
  default  = {}
  nullable = false

  validation {
    condition     = alltrue([for limit in values(var.limits) : limit > 0])
    error_message = "Each limit must be greater than 0."
  }
}
