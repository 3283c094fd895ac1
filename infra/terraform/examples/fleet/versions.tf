terraform {
  required_version = ">= 1.11"

  # The state holds auth tokens of Redis: keep it encrypted, and readable by operators alone. Bucket, key and region: terraform init -backend-config=...
  backend "s3" {
    encrypt      = true
    use_lockfile = true
  }

  required_providers {
    aws = {
      source  = "hashicorp/aws"
      version = "~> 5.100"
    }
  }
}
