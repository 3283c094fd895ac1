# What routers show to instances, and the admin key with which instances drain themselves and operators begin. Redis keeps its own beside it.

locals {
  secrets = {
    internal_token = { name = "internal-token", description = "What routers and the backup service show to instances" }
    admin_key      = { name = "admin-key", description = "Admin key of the HTTP API: for the first start, and for instances that drain themselves" }
  }
}

module "token" {
  source   = "../token"
  for_each = local.secrets

  generation = var.generations[each.key]
}

resource "aws_secretsmanager_secret" "this" {
  for_each = local.secrets

  name                    = "${var.name}-${each.value.name}"
  description             = each.value.description
  kms_key_id              = var.kms_key_arn
  recovery_window_in_days = 30
}

resource "aws_secretsmanager_secret_version" "this" {
  for_each = local.secrets

  secret_id     = aws_secretsmanager_secret.this[each.key].id
  secret_string = module.token[each.key].value
}
