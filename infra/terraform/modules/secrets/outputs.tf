output "internal_token_arn" {
  description = "ARN of the secret with the internal token."
  value       = aws_secretsmanager_secret.this["internal_token"].arn

  depends_on = [aws_secretsmanager_secret_version.this]
}

output "admin_key_arn" {
  description = "ARN of the secret with the admin key."
  value       = aws_secretsmanager_secret.this["admin_key"].arn

  depends_on = [aws_secretsmanager_secret_version.this]
}
