output "name" {
  description = "Name of the bucket, once it may be written to."
  value       = var.name

  depends_on = [aws_s3_bucket.this, aws_s3_bucket_policy.this]
}

output "arn" {
  description = "ARN of the bucket."
  value       = local.arn
}
