output "url_secret_arn" {
  description = "ARN of the secret that holds its URL."
  value       = aws_secretsmanager_secret.url.arn

  depends_on = [aws_secretsmanager_secret_version.url]
}

output "endpoint" {
  description = "Name that always leads to the primary."
  value       = aws_elasticache_replication_group.this.primary_endpoint_address
}

output "node_ids" {
  description = "Ids of its nodes, as CloudWatch names them."
  value       = [for number in range(1, var.nodes + 1) : format("%s-%03d", var.name, number)]
}
