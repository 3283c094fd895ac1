# The shared storage: every session's profile, who owns what, API keys and webhooks. Its loss is the loss of all links, but for the backups.

resource "aws_efs_file_system" "this" {
  creation_token                  = var.name
  encrypted                       = true
  kms_key_id                      = var.kms_key_arn
  performance_mode                = "generalPurpose" # the other, maxIO, answers later, and all of Wharf's steps wait for answers
  throughput_mode                 = var.throughput
  provisioned_throughput_in_mibps = var.provisioned_mib

  tags = { Name = var.name }

  # No lifecycle_policy: a profile in the infrequent access class would be read slowly at the moment when its instance was lost.

  lifecycle {
    prevent_destroy = true
  }
}

resource "aws_efs_mount_target" "this" {
  for_each = var.subnet_ids

  file_system_id  = aws_efs_file_system.this.id
  subnet_id       = each.value
  security_groups = [var.security_group_id]
}

# Whoever mounts through it is wharf, root as well, and sees /wharf alone.
resource "aws_efs_access_point" "this" {
  file_system_id = aws_efs_file_system.this.id

  posix_user {
    uid = var.owner_id
    gid = var.owner_id
  }

  root_directory {
    path = "/wharf"

    creation_info {
      owner_uid   = var.owner_id
      owner_gid   = var.owner_id
      permissions = "0700"
    }
  }

  tags = { Name = var.name }
}

# The roles' own policies say who may mount. This takes away EFS's default, by which whoever reaches a mount target may.
resource "aws_efs_file_system_policy" "this" {
  file_system_id = aws_efs_file_system.this.id

  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [
      {
        Sid       = "OnlyByTls"
        Effect    = "Deny"
        Principal = { AWS = "*" }
        Action    = ["elasticfilesystem:ClientMount", "elasticfilesystem:ClientWrite", "elasticfilesystem:ClientRootAccess"]
        Resource  = aws_efs_file_system.this.arn
        Condition = { Bool = { "aws:SecureTransport" = "false" } }
      },
      {
        Sid       = "OnlyByTheAccessPoint"
        Effect    = "Deny"
        Principal = { AWS = "*" }
        Action    = ["elasticfilesystem:ClientMount", "elasticfilesystem:ClientWrite", "elasticfilesystem:ClientRootAccess"]
        Resource  = aws_efs_file_system.this.arn
        Condition = { StringNotEquals = { "elasticfilesystem:AccessPointArn" = aws_efs_access_point.this.arn } }
      },
    ]
  })
}

resource "aws_efs_backup_policy" "this" {
  file_system_id = aws_efs_file_system.this.id

  backup_policy {
    status = var.daily_backup ? "ENABLED" : "DISABLED"
  }
}
