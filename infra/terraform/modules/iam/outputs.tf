output "instance_profile_name" {
  description = "Name of the profile that machines are started with, once its role may do its work."
  value       = aws_iam_instance_profile.this.name

  depends_on = [aws_iam_role_policy.this]
}

output "policy" {
  description = "The role's policy, as JSON: for tests and reviews."
  value       = aws_iam_role_policy.this.policy
}
