# What machines are told: one parameter for each kind, by file of /etc/wharf. Secrets stand in it by their ARNs alone.

locals {
  common = {
    env = merge({
      NODE_ENV = "production"
      # ElastiCache has no append-only file: without this routers and instances would refuse to start with it.
      QUEUE_DURABILITY                   = "replicas"
      AWS_REGION                         = data.aws_region.current.name
      WHATSAPP_SESSION_PATH              = "/mnt/wharf/sessions"
      WHATSAPP_MAX_SESSIONS_PER_INSTANCE = tostring(var.sessions_per_instance)
    }, var.settings.all)
    secrets = {
      REDIS_URL            = module.redis_ownership.url_secret_arn
      QUEUE_REDIS_URL      = module.redis_queues.url_secret_arn
      WHARF_INTERNAL_TOKEN = module.secrets.internal_token_arn
    }
  }

  # Routers count homes by it, and must all have the same; an instance whose number is beyond it does not start. So a new machine is there before
  # homes are counted anew, and one that goes is counted out before.
  home_count = tostring(coalesce(var.home_count, local.instances))

  settings = {
    router = {
      "wharf.env" = merge(local.common, { env = merge(local.common.env, { WHATSAPP_INSTANCE_COUNT = local.home_count }) })
      "router.env" = {
        # A router that is asked to stop answers for as long as the load balancer takes to see its /ready fail (health_check of the module routers:
        # three times, every 10 s, 5 s for the last).
        env     = merge({ BIND_ADDRESS = "{private_ip}", PORT = "3000", WHARF_STOP_DELAY = "35000" }, var.settings.router)
        secrets = { WHARF_ADMIN_KEY = module.secrets.admin_key_arn }
      }
    }
    instance = {
      "wharf.env" = merge(local.common, { env = merge(local.common.env, { WHATSAPP_INSTANCE_COUNT = tostring(local.instances) }) })
      "instance.env" = {
        env     = merge({ BIND_ADDRESS = "{private_ip}", WHARF_CHROMIUM_SANDBOX = "on" }, var.settings.instance)
        secrets = {}
      }
      # Read by root's wharf command alone: how the machine drains its instances.
      "command.env" = {
        env     = { WHARF_URL = "https://${var.domain_name}" }
        secrets = { WHARF_API_KEY = module.secrets.admin_key_arn }
      }
    }
    backup = {
      "wharf.env" = merge(local.common, { env = merge(local.common.env, { WHATSAPP_INSTANCE_COUNT = local.home_count }) })
      "backup.env" = {
        env = merge({
          BIND_ADDRESS     = "{private_ip}"
          PORT             = "3100"
          BACKUP_S3_BUCKET = module.backups.name
        }, var.settings.backup)
        secrets = {}
      }
    }
  }
}

resource "aws_ssm_parameter" "settings" {
  for_each = local.settings

  name        = "/${var.name}/${each.key}"
  description = "Settings of ${each.key} machines of ${var.name}"
  type        = "String"
  value       = jsonencode(each.value)
}
