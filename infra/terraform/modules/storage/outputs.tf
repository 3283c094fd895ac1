output "file_system_id" {
  description = "Id of the file system, once it can be mounted."
  value       = aws_efs_file_system.this.id

  depends_on = [aws_efs_mount_target.this, aws_efs_file_system_policy.this]
}

output "file_system_arn" {
  description = "ARN of the file system."
  value       = aws_efs_file_system.this.arn
}

output "access_point_id" {
  description = "Id of the access point."
  value       = aws_efs_access_point.this.id
}

output "access_point_arn" {
  description = "ARN of the access point."
  value       = aws_efs_access_point.this.arn
}
