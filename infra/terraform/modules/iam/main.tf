# What one kind of machine may do, and nothing else. Resources are "*" only where AWS knows no narrower ones; each place says so.

data "aws_caller_identity" "current" {}

data "aws_partition" "current" {}

data "aws_region" "current" {}

locals {
  partition = data.aws_partition.current.partition
  account   = data.aws_caller_identity.current.account_id
  region    = data.aws_region.current.name

  statements = concat(
    [
      {
        Sid      = "OwnSettings"
        Effect   = "Allow"
        Action   = ["ssm:GetParameter"]
        Resource = ["arn:${local.partition}:ssm:${local.region}:${local.account}:parameter/${var.name}/${var.role}"]
      },
      {
        Sid      = "OwnSecrets"
        Effect   = "Allow"
        Action   = ["secretsmanager:GetSecretValue"]
        Resource = var.secret_arns
      },
      {
        Sid      = "Packages"
        Effect   = "Allow"
        Action   = ["s3:GetObject"]
        Resource = var.package_arns
      },
      {
        Sid      = "Mount"
        Effect   = "Allow"
        Action   = ["elasticfilesystem:ClientMount", "elasticfilesystem:ClientWrite"]
        Resource = [var.file_system_arn]
        Condition = {
          StringEquals = { "elasticfilesystem:AccessPointArn" = var.access_point_arn }
          Bool         = { "elasticfilesystem:AccessedViaMountTarget" = "true" }
        }
      },
      {
        Sid       = "ReadWhatIsEncrypted"
        Effect    = "Allow"
        Action    = ["kms:Decrypt"]
        Resource  = [var.kms_key_arn]
        Condition = { StringEquals = { "kms:ViaService" = "secretsmanager.${local.region}.amazonaws.com" } }
      },
      {
        # The id in the middle of a group's ARN is AWS's choice; the name behind it is ours.
        Sid      = "OwnLifecycle"
        Effect   = "Allow"
        Action   = ["autoscaling:CompleteLifecycleAction", "autoscaling:RecordLifecycleActionHeartbeat"]
        Resource = ["arn:${local.partition}:autoscaling:${local.region}:${local.account}:autoScalingGroup:*:autoScalingGroupName/${var.name}-${var.role}*"]
      },
      {
        # PutMetricData knows no resources, but a namespace.
        Sid       = "OwnMetrics"
        Effect    = "Allow"
        Action    = ["cloudwatch:PutMetricData"]
        Resource  = ["*"]
        Condition = { StringEquals = { "cloudwatch:namespace" = "Wharf" } }
      },
      {
        # Sessions and commands of Systems Manager in place of SSH; its channels know no resources. Without ssm:GetParameter on all
        # parameters, which AWS's own policy for this (AmazonSSMManagedInstanceCore) gives.
        Sid    = "SystemsManager"
        Effect = "Allow"
        Action = [
          "ec2messages:AcknowledgeMessage",
          "ec2messages:DeleteMessage",
          "ec2messages:FailMessage",
          "ec2messages:GetEndpoint",
          "ec2messages:GetMessages",
          "ec2messages:SendReply",
          "ssm:ListAssociations",
          "ssm:ListInstanceAssociations",
          "ssm:UpdateInstanceAssociationStatus",
          "ssm:UpdateInstanceInformation",
          "ssmmessages:CreateControlChannel",
          "ssmmessages:CreateDataChannel",
          "ssmmessages:OpenControlChannel",
          "ssmmessages:OpenDataChannel",
        ]
        Resource = ["*"]
      },
    ],
    [
      for arn in var.backup_bucket_arn == null ? [] : [var.backup_bucket_arn] : {
        Sid      = "ListBackups"
        Effect   = "Allow"
        Action   = ["s3:ListBucket", "s3:ListBucketMultipartUploads"]
        Resource = [arn]
      }
    ],
    [
      for arn in var.backup_bucket_arn == null ? [] : [var.backup_bucket_arn] : {
        Sid      = "Backups"
        Effect   = "Allow"
        Action   = ["s3:GetObject", "s3:PutObject", "s3:DeleteObject", "s3:AbortMultipartUpload"]
        Resource = ["${arn}/${var.backup_prefix}*"]
      }
    ],
    [
      for arn in var.backup_bucket_arn == null ? [] : [var.backup_bucket_arn] : {
        Sid       = "EncryptBackups"
        Effect    = "Allow"
        Action    = ["kms:Decrypt", "kms:GenerateDataKey"]
        Resource  = [var.kms_key_arn]
        Condition = { StringEquals = { "kms:ViaService" = "s3.${local.region}.amazonaws.com" } }
      }
    ],
  )
}

resource "aws_iam_role" "this" {
  name        = "${var.name}-${var.role}"
  description = "Machines of ${var.name}: ${var.role}"

  assume_role_policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect    = "Allow"
      Action    = "sts:AssumeRole"
      Principal = { Service = "ec2.amazonaws.com" }
    }]
  })
}

resource "aws_iam_role_policy" "this" {
  name   = "wharf"
  role   = aws_iam_role.this.id
  policy = jsonencode({ Version = "2012-10-17", Statement = local.statements })
}

resource "aws_iam_instance_profile" "this" {
  name = "${var.name}-${var.role}"
  role = aws_iam_role.this.name
}
