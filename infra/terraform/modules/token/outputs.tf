output "value" {
  description = "The token: letters and digits."
  value       = terraform_data.this.output
  sensitive   = true
}
