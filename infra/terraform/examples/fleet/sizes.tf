# Three sizes. Where they come from, what they cost, and what to measure before you believe them: docs/aws.md.

locals {
  # Machines that run sessions of 300 MB, 300 on each, so many that one may be lost: 90 GB of 137 on each, the rest for the system, the file cache, and
  # browsers that start.
  sizes = {
    1000 = { machines = 5, queues_node_type = "cache.m7g.large", storage_gib = 512 }
    2000 = { machines = 8, queues_node_type = "cache.m7g.xlarge", storage_gib = 1024 }
    3000 = { machines = 12, queues_node_type = "cache.r7g.xlarge", storage_gib = 1536 }
  }
  size = local.sizes[var.sessions]
}
