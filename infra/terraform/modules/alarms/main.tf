# What AWS can see for itself, for the time when Prometheus is away too: docs/monitoring.md has what Wharf tells of sessions, queues and takeovers.

locals {
  limits = var.limits

  # Each: namespace, metric, dimensions, statistic, comparison, threshold, period in seconds, periods, what silence means, what it says.
  per_group = {
    for group, machines in var.groups : "${group}-in-service" => {
      namespace = "AWS/AutoScaling", metric = "GroupInServiceInstances", dimensions = { AutoScalingGroupName = group }
      statistic = "Minimum", comparison = "LessThanThreshold", threshold = machines, period = 60, periods = 5, silence = "breaching"
      says      = "${group} has fewer machines in service than ${machines}. Sessions of a lost one run on the others; see docs/runbook.md, an instance is down."
    }
  }

  # Machines that tell of themselves, by the names of their alarms. Those of routers are told as one: the worst of them counts.
  tellers = merge(
    { for slot in var.slots : "instance-${slot}" => { role = "instance", slot = slot, what = "instance machine ${slot}", full = "copies for backups need room there" } },
    {
      router = { role = "router", slot = "all", what = "a router machine", full = "its journal, and updates, need room there" }
      backup = { role = "backup", slot = "all", what = "the backup service's machine", full = "backups and their verification work there, see WHARF_SCRATCH" }
    },
  )

  per_machine = merge([
    for name, machine in local.tellers : {
      "${name}-memory" = {
        namespace = "Wharf", metric = "MemoryUsed", dimensions = { Fleet = var.name, Role = machine.role, Slot = machine.slot }
        statistic = machine.role == "instance" ? "Average" : "Maximum", comparison = "GreaterThanThreshold", threshold = local.limits.machine_memory_percent, period = 300, periods = 3, silence = "missing"
        says      = "Memory of ${machine.what} runs short. ${machine.role == "instance" ? "Takeovers need room: add a machine, or lower WHATSAPP_MAX_SESSIONS_PER_INSTANCE." : "Take a larger machine type."}"
      }
      "${name}-disk" = {
        namespace = "Wharf", metric = "DiskUsed", dimensions = { Fleet = var.name, Role = machine.role, Slot = machine.slot }
        statistic = "Maximum", comparison = "GreaterThanThreshold", threshold = local.limits.machine_disk_percent, period = 300, periods = 3, silence = "missing"
        says      = "The disk of ${machine.what} fills: ${machine.full}."
      }
      "${name}-share" = {
        namespace = "Wharf", metric = "ShareAnswers", dimensions = { Fleet = var.name, Role = machine.role, Slot = machine.slot }
        statistic = "Minimum", comparison = "LessThanThreshold", threshold = 1, period = 60, periods = 3, silence = "missing"
        says      = "The shared storage does not answer ${machine.what} within 10 s; see docs/runbook.md, storage is slow or gone."
      }
    }
  ]...)

  per_redis_node = merge([
    for node in var.redis_nodes : {
      "${node}-memory" = {
        namespace = "AWS/ElastiCache", metric = "DatabaseMemoryUsagePercentage", dimensions = { CacheClusterId = node }
        statistic = "Average", comparison = "GreaterThanThreshold", threshold = local.limits.redis_memory_percent, period = 60, periods = 5, silence = "missing"
        says      = "Redis ${node} fills. Full, it refuses messages: nothing is evicted. Look at wharf queues; take a larger node."
      }
      "${node}-cpu" = {
        namespace = "AWS/ElastiCache", metric = "EngineCPUUtilization", dimensions = { CacheClusterId = node }
        statistic = "Average", comparison = "GreaterThanThreshold", threshold = local.limits.redis_cpu_percent, period = 60, periods = 10, silence = "missing"
        says      = "Redis ${node} is busy: leases and messages wait for it."
      }
      "${node}-evictions" = {
        namespace = "AWS/ElastiCache", metric = "Evictions", dimensions = { CacheClusterId = node }
        statistic = "Sum", comparison = "GreaterThanThreshold", threshold = 0, period = 60, periods = 1, silence = "notBreaching"
        says      = "Redis ${node} throws keys away: its parameter group is not Wharf's any more (noeviction)."
      }
      "${node}-lag" = {
        namespace = "AWS/ElastiCache", metric = "ReplicationLag", dimensions = { CacheClusterId = node }
        statistic = "Maximum", comparison = "GreaterThanThreshold", threshold = 5, period = 60, periods = 5, silence = "notBreaching"
        says      = "Replica ${node} is behind by more than 5 s: a failover now would lose that much."
      }
    }
  ]...)

  storage = merge(
    {
      "storage-io" = {
        namespace = "AWS/EFS", metric = "PercentIOLimit", dimensions = { FileSystemId = var.file_system_id }
        statistic = "Maximum", comparison = "GreaterThanThreshold", threshold = local.limits.storage_io_percent, period = 300, periods = 3, silence = "missing"
        says      = "The storage is near the requests it can bear: everything gets slow, looks at ownership too."
      }
      # There are no quotas on EFS: this stands in their place.
      "storage-bytes" = {
        namespace = "AWS/EFS", metric = "StorageBytes", dimensions = { FileSystemId = var.file_system_id, StorageClass = "Total" }
        statistic = "Maximum", comparison = "GreaterThanThreshold", threshold = local.limits.storage_gib * pow(1024, 3), period = 3600, periods = 1, silence = "missing"
        says      = "More is kept on the storage than ${local.limits.storage_gib} GiB. Look for what should have gone: trash, generations, media; see docs/housekeeping.md."
      }
    },
    {
      for name in var.throughput == "bursting" ? ["storage-credits"] : [] : name => {
        namespace = "AWS/EFS", metric = "BurstCreditBalance", dimensions = { FileSystemId = var.file_system_id }
        # 1 TiB of the 2.1 a file system begins with.
        statistic = "Minimum", comparison = "LessThanThreshold", threshold = pow(1024, 4), period = 300, periods = 3, silence = "missing"
        says      = "The storage's burst credits run out; then it is as slow as 50 KiB/s for each GiB kept. Take throughput = \"elastic\"."
      }
    },
  )

  api = {
    "api-5xx" = {
      namespace = "AWS/ApplicationELB", metric = "HTTPCode_ELB_5XX_Count", dimensions = { LoadBalancer = var.balancer_metric_id }
      statistic = "Sum", comparison = "GreaterThanThreshold", threshold = local.limits.errors_in_five_minutes, period = 300, periods = 1, silence = "notBreaching"
      says      = "The load balancer answers for routers that do not."
    }
    "router-5xx" = {
      namespace = "AWS/ApplicationELB", metric = "HTTPCode_Target_5XX_Count", dimensions = { LoadBalancer = var.balancer_metric_id }
      statistic = "Sum", comparison = "GreaterThanThreshold", threshold = local.limits.errors_in_five_minutes, period = 300, periods = 2, silence = "notBreaching"
      says      = "Routers answer with errors: a takeover in progress (503), or a fault (their logs)."
    }
    "router-unhealthy" = {
      namespace = "AWS/ApplicationELB", metric = "UnHealthyHostCount", dimensions = { LoadBalancer = var.balancer_metric_id, TargetGroup = var.target_metric_id }
      statistic = "Maximum", comparison = "GreaterThanThreshold", threshold = 0, period = 60, periods = 5, silence = "breaching"
      says      = "A router is not ready."
    }
    "api-slow" = {
      namespace = "AWS/ApplicationELB", metric = "TargetResponseTime", dimensions = { LoadBalancer = var.balancer_metric_id }
      statistic = "p50", comparison = "GreaterThanThreshold", threshold = 1, period = 300, periods = 3, silence = "notBreaching"
      says      = "Half of all answers take longer than a second."
    }
  }

  backups = {
    # Told by the backup service's machine; silence is as bad as age.
    "backup-age" = {
      namespace = "Wharf", metric = "BackupAge", dimensions = { Fleet = var.name, Role = "backup", Slot = "all" }
      statistic = "Minimum", comparison = "GreaterThanThreshold", threshold = local.limits.backup_age_seconds, period = 300, periods = 2, silence = "breaching"
      says      = "There is no backup younger than ${local.limits.backup_age_seconds} s; see docs/runbook.md, backup failed."
    }
  }

  alarms = merge(local.per_group, local.per_machine, local.per_redis_node, local.storage, local.api, local.backups)
}

resource "aws_cloudwatch_metric_alarm" "this" {
  for_each = local.alarms

  alarm_name          = startswith(each.key, var.name) ? each.key : "${var.name}-${each.key}"
  alarm_description   = each.value.says
  namespace           = each.value.namespace
  metric_name         = each.value.metric
  dimensions          = each.value.dimensions
  statistic           = startswith(each.value.statistic, "p") ? null : each.value.statistic
  extended_statistic  = startswith(each.value.statistic, "p") ? each.value.statistic : null
  comparison_operator = each.value.comparison
  threshold           = each.value.threshold
  period              = each.value.period
  evaluation_periods  = each.value.periods
  treat_missing_data  = each.value.silence
  alarm_actions       = [var.topic_arn]
  ok_actions          = [var.topic_arn]
}
