# A random token that stays the same from plan to plan, made by Secrets Manager. It is in the state, as the auth token of ElastiCache is in any
# case: keep the state encrypted, and readable by operators alone.

data "aws_secretsmanager_random_password" "this" {
  password_length            = var.length
  exclude_punctuation        = true
  require_each_included_type = true
}

resource "terraform_data" "this" {
  input            = sensitive(data.aws_secretsmanager_random_password.this.random_password)
  triggers_replace = [var.length, var.generation]

  lifecycle {
    ignore_changes = [input]
  }
}
