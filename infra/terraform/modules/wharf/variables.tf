# --- What has no default: yours ---

variable "name" {
  description = "Name of the fleet, such as wharf-prod: begins the names of all that is made. Cannot be changed later."
  type        = string
  nullable    = false

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{1,18}[a-z0-9]$", var.name)) && !strcontains(var.name, "--")
    error_message = "name must have 3 to 20 of a-z, 0-9 and single hyphens, and begin with a letter."
  }
}

variable "zones" {
  description = "Availability zones of the region, two to six, such as [\"eu-central-1a\", \"eu-central-1b\", \"eu-central-1c\"]. Take three: Redis for queues has a node in each."
  type        = list(string)
  nullable    = false
}

variable "ami_id" {
  description = "Image of Debian 12 for amd64, of Debian's own account (136693071363)."
  type        = string
  nullable    = false

  validation {
    condition     = can(regex("^ami-[0-9a-f]{8,17}$", var.ami_id))
    error_message = "ami_id must look like ami-0123456789abcdef0."
  }
}

variable "packages" {
  description = "What machines install: a bucket, and in it key and SHA-256 of Wharf's Debian package (npm run package) and of amazon-efs-utils; in chromium by key the SHA-256 of Debian's chromium-headless-shell and chromium-common of one version, which are then held. Without those each new machine has the newest there is, and what it wrote can go to no other."
  type = object({
    bucket           = string
    wharf_key        = string
    wharf_sha256     = string
    efs_utils_key    = string
    efs_utils_sha256 = string
    chromium         = optional(map(string), {})
  })
  nullable = false

  validation {
    condition     = alltrue([for sum in concat([var.packages.wharf_sha256, var.packages.efs_utils_sha256], values(var.packages.chromium)) : can(regex("^[0-9a-f]{64}$", sum))])
    error_message = "packages must have SHA-256 sums of 64 hexadecimal digits: sha256sum FILE."
  }

  validation {
    condition     = alltrue([for key in concat([var.packages.wharf_key, var.packages.efs_utils_key], keys(var.packages.chromium)) : can(regex("^[A-Za-z0-9._/+~-]+\\.deb$", key))])
    error_message = "packages must name keys that end with .deb."
  }

  validation {
    condition = length(var.packages.chromium) == 0 || length(var.packages.chromium) == 2 && alltrue([
      for package in ["chromium-headless-shell", "chromium-common"] : anytrue([for key in keys(var.packages.chromium) : strcontains(key, "${package}_")])
    ])
    error_message = "packages.chromium must name chromium-headless-shell_... and chromium-common_..., which it cannot be installed without."
  }
}

variable "domain_name" {
  description = "Name under which the API is reached, such as wharf.example.com."
  type        = string
  nullable    = false

  validation {
    condition     = can(regex("^([a-z0-9]([a-z0-9-]*[a-z0-9])?\\.)+[a-z]{2,}$", var.domain_name))
    error_message = "domain_name must be a name such as wharf.example.com."
  }
}

variable "certificate_arn" {
  description = "Certificate of ACM for domain_name, in the same region."
  type        = string
  nullable    = false
}

variable "client_cidrs" {
  description = "Addresses whose programs may use the API. [\"0.0.0.0/0\"] is everybody, for whom then only API keys stand in the way."
  type        = set(string)
  nullable    = false
}

variable "alarm_emails" {
  description = "Addresses that alarms are mailed to; each must confirm. [] where something else listens to the topic."
  type        = set(string)
  nullable    = false
}

# --- Sizes: see infra/terraform/examples and docs/aws.md ---

variable "instance_machines" {
  description = "Machines that run sessions, a slot each. One more than the sessions need, so that a lost one's fit."
  type        = number
  nullable    = false
}

variable "instances_per_machine" {
  description = "Instances on each of them."
  type        = number
  default     = 1
  nullable    = false
}

variable "home_count" {
  description = "WHATSAPP_INSTANCE_COUNT of the routers: what the home rule divides by. null: as many as there are instances. It changes after machines were added and before they are taken away; docs/aws.md has the order of steps."
  type        = number
  default     = null

  validation {
    condition     = var.home_count == null || try(var.home_count >= 1 && var.home_count <= var.instance_machines * var.instances_per_machine, false)
    error_message = "home_count must be from 1 to instance_machines x instances_per_machine."
  }
}

variable "sessions_per_instance" {
  description = "WHATSAPP_MAX_SESSIONS_PER_INSTANCE: what an instance takes at most, takeovers included. Of its machine's memory, not of wishes."
  type        = number
  nullable    = false

  validation {
    condition     = var.sessions_per_instance >= 1 && var.sessions_per_instance <= 2000
    error_message = "sessions_per_instance must be from 1 to 2000."
  }
}

variable "instance_machine_type" {
  description = "Type of the machines that run sessions: memory decides."
  type        = string
  nullable    = false
}

variable "instance_disk_gib" {
  description = "Disk of such a machine in GiB."
  type        = number
  default     = 64
  nullable    = false
}

variable "router_machines" {
  description = "Routers."
  type        = number
  default     = 2
  nullable    = false
}

variable "router_machine_type" {
  description = "Type of the routers' machines."
  type        = string
  default     = "m7i.large"
  nullable    = false
}

variable "backup_machine_type" {
  description = "Type of the backup service's machine."
  type        = string
  default     = "m7i.large"
  nullable    = false
}

variable "backup_disk_gib" {
  description = "Disk of the backup service's machine in GiB: what each run restores to look at lies there."
  type        = number
  default     = 64
  nullable    = false
}

variable "redis" {
  description = "ElastiCache for ownership (leases, registry; small) and for queues (2.2 KB a message kept, for QUEUE_RETENTION_HOURS)."
  type = object({
    ownership_node_type = optional(string, "cache.m7g.large")
    ownership_nodes     = optional(number, 2)
    queues_node_type    = optional(string, "cache.m7g.large")
    queues_nodes        = optional(number, 3)
    token_generation    = optional(number, 1)
    token_strategy      = optional(string, "ROTATE")
  })
  default  = {}
  nullable = false

  validation {
    condition     = var.redis.queues_nodes >= 3
    error_message = "redis.queues_nodes must be 3 or more: with one replica, messages are either refused whenever it is away, or kept in one place alone."
  }
}

variable "storage" {
  description = "EFS: how it gives throughput (elastic, bursting, provisioned with provisioned_mib), and AWS Backup's daily copy."
  type = object({
    throughput      = optional(string, "elastic")
    provisioned_mib = optional(number)
    daily_backup    = optional(bool, true)
  })
  default  = {}
  nullable = false
}

# --- The rest ---

variable "cidr" {
  description = "Addresses of the network, between a /16 and a /22."
  type        = string
  default     = "10.40.0.0/16"
  nullable    = false
}

variable "nat_per_zone" {
  description = "A NAT gateway in each zone. With one for all, the loss of its zone cuts every session off from WhatsApp."
  type        = bool
  default     = true
  nullable    = false
}

variable "interface_endpoints" {
  description = "AWS services that are reached inside the network instead of through NAT; see module network."
  type        = set(string)
  default     = []
  nullable    = false
}

variable "egress_ports" {
  description = "TCP ports that machines may connect to anywhere; see module firewall."
  type        = set(number)
  default     = [80, 443]
  nullable    = false
}

variable "avoided_zones" {
  description = "Zones in which no machine of the fleet is to stand for now: for when one is lost."
  type        = set(string)
  default     = []
  nullable    = false
}

variable "internal" {
  description = "The load balancer has private addresses alone: for clients in this network, or in one that is connected with it."
  type        = bool
  default     = false
  nullable    = false
}

variable "dns_zone_id" {
  description = "Zone of Route 53 that gets a record for domain_name; null: you make the record."
  type        = string
  default     = null
}

variable "monitoring_cidrs" {
  description = "Addresses from which Prometheus may read metrics."
  type        = set(string)
  default     = []
  nullable    = false
}

variable "backup_object_lock_days" {
  description = "Days for which nobody can end a version of an object in the bucket of the backups; null: no Object Lock. Can only be chosen before the bucket is made."
  type        = number
  default     = null
}

variable "backup_noncurrent_days" {
  description = "Days for which removed and overwritten objects of backups can still be had."
  type        = number
  default     = 30
  nullable    = false
}

variable "drain_seconds" {
  description = "How long a machine that leaves may take to drain, before the rest is taken over by others."
  type        = number
  default     = 1200
  nullable    = false
}

variable "settings" {
  description = "More environment variables, by kind of process: all, router, instance, backup; see docs/configuration.md. Nothing secret."
  type = object({
    all      = optional(map(string), {})
    router   = optional(map(string), {})
    instance = optional(map(string), {})
    backup   = optional(map(string), {})
  })
  default  = {}
  nullable = false

  validation {
    condition     = alltrue(flatten([for group in values(var.settings) : [for key in keys(group) : can(regex("^[A-Z][A-Z0-9_]*$", key))]]))
    error_message = "settings must have names of environment variables: A-Z, 0-9 and _."
  }

  validation {
    condition = alltrue(flatten([for group in values(var.settings) : [
      for key in keys(group) : !contains(["REDIS_URL", "QUEUE_REDIS_URL", "QUEUE_DURABILITY", "WHARF_INTERNAL_TOKEN", "WHARF_ADMIN_KEY", "WHATSAPP_SESSION_PATH", "WHATSAPP_INSTANCE_COUNT", "WHATSAPP_MAX_SESSIONS_PER_INSTANCE", "INSTANCE_ID", "PORT"], key)
    ]]))
    error_message = "settings must not set what this module sets by other variables, or keeps secret."
  }
}

variable "secret_generations" {
  description = "Another number makes another internal token or admin key."
  type = object({
    internal_token = optional(number, 1)
    admin_key      = optional(number, 1)
  })
  default  = {}
  nullable = false
}

variable "alarm_limits" {
  description = "When alarms begin; see module alarms."
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
}

variable "deletion_protection" {
  description = "The load balancer cannot be deleted until this is false. Storage, key and buckets are kept from being destroyed in any case."
  type        = bool
  default     = true
  nullable    = false
}
