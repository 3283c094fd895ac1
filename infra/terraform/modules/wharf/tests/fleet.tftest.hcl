# The whole fleet: what its machines are told, and what it is called.

mock_provider "aws" {
  override_during = plan
  source          = "./tests/mocks"
}

variables {
  name   = "wharf-test"
  zones  = ["eu-central-1a", "eu-central-1b", "eu-central-1c"]
  ami_id = "ami-0123456789abcdef0"
  packages = {
    bucket           = "packages"
    wharf_key        = "wharf_0.1.0_amd64.deb"
    wharf_sha256     = "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
    efs_utils_key    = "amazon-efs-utils.deb"
    efs_utils_sha256 = "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"
  }
  domain_name           = "wharf.example.com"
  certificate_arn       = "arn:aws:acm:eu-central-1:123456789012:certificate/11111111-2222-3333-4444-555555555555"
  client_cidrs          = ["203.0.113.0/24"]
  alarm_emails          = ["ops@example.com"]
  instance_machines     = 4
  instances_per_machine = 2
  sessions_per_instance = 100
  instance_machine_type = "r7i.4xlarge"
}

run "a_fleet" {
  command = plan

  # Known, so that they would show where they must not.
  override_module {
    target          = module.redis_ownership.module.token
    override_during = plan
    outputs         = { value = "mockmock-of-ownership" }
  }

  override_module {
    target          = module.redis_queues.module.token
    override_during = plan
    outputs         = { value = "mockmock-of-the-queues" }
  }

  override_module {
    target          = module.secrets.module.token
    override_during = plan
    outputs         = { value = "mockmock-of-the-secrets" }
  }

  assert {
    condition     = flatten([for slot in ["1", "2", "3", "4"] : output.slots[slot].instances]) == [for number in range(1, 9) : "instance-${number}"]
    error_message = "Instances must be numbered through, each once, by slot: not ${jsonencode(output.slots)}"
  }

  assert {
    condition     = [for slot in ["1", "2", "3", "4"] : output.slots[slot].zone] == ["eu-central-1a", "eu-central-1b", "eu-central-1c", "eu-central-1a"]
    error_message = "Slots must be spread over the zones in turn."
  }

  assert {
    condition     = length(distinct([for slot in values(output.slots) : slot.group])) == 4
    error_message = "Each slot must have a group of its own."
  }

  assert {
    condition     = length(distinct(values(output.user_data))) == 6 && alltrue([for text in values(output.user_data) : startswith(text, "#cloud-config\n")])
    error_message = "Each slot, the routers and the backup service must have user data of their own."
  }

  assert {
    condition     = alltrue([for text in values(output.user_data) : !strcontains(text, "mockmock")])
    error_message = "User data must hold no secret: whoever may describe machines reads it."
  }

  assert {
    condition = alltrue([
      for text in values(output.user_data) :
      strcontains(text, "_netdev,tls,iam,accesspoint=fsap-0123456789abcdef0,hard,noresvport,lookupcache=positive,")
    ])
    error_message = "The share must be mounted by TLS, hard, and with lookupcache=positive everywhere."
  }

  assert {
    condition     = strcontains(output.user_data["instance-2"], "WHARF_INSTANCES=\\\"3 4\\\"") && strcontains(output.user_data["instance-2"], "WHARF_GROUP=\\\"wharf-test-instance-2\\\"")
    error_message = "The second slot must run instance-3 and instance-4."
  }

  assert {
    condition     = alltrue([for role in ["router", "instance", "backup"] : !strcontains(aws_ssm_parameter.settings[role].value, "mockmock")])
    error_message = "Parameters must hold no secret, but where one is kept."
  }

  assert {
    condition     = jsondecode(aws_ssm_parameter.settings["router"].value)["router.env"].env.WHARF_STOP_DELAY == "35000"
    error_message = "A router that is asked to stop must answer until the load balancer has seen it."
  }

  assert {
    condition     = jsondecode(aws_ssm_parameter.settings["router"].value)["wharf.env"].env.WHATSAPP_INSTANCE_COUNT == "8"
    error_message = "The home rule must divide by all instances where nothing else is said."
  }

  assert {
    condition     = length(distinct([for role in ["router", "instance", "backup"] : jsondecode(aws_ssm_parameter.settings[role].value)["wharf.env"]])) == 1
    error_message = "What all processes share must be the same on all machines."
  }

  assert {
    condition     = jsondecode(aws_ssm_parameter.settings["instance"].value)["wharf.env"].env.NODE_ENV == "production" && jsondecode(aws_ssm_parameter.settings["instance"].value)["wharf.env"].env.QUEUE_DURABILITY == "replicas"
    error_message = "A Redis that loses what it confirmed must be refused, and ElastiCache, which has no file, be taken with its replicas."
  }

  assert {
    condition     = aws_sns_topic.alarms.kms_master_key_id == module.encryption.key_arn
    error_message = "The topic of the alarms must be encrypted."
  }

  assert {
    condition = alltrue([for name in [
      "wharf-test-instance-1-in-service", "wharf-test-router-in-service", "wharf-test-backup-in-service", "wharf-test-instance-4-memory",
      "wharf-test-router-memory", "wharf-test-router-disk", "wharf-test-router-share", "wharf-test-backup-memory", "wharf-test-backup-disk", "wharf-test-backup-share",
      "wharf-test-ownership-001-evictions", "wharf-test-queues-003-memory", "wharf-test-storage-io", "wharf-test-storage-bytes",
      "wharf-test-api-5xx", "wharf-test-backup-age",
    ] : contains(output.alarm_names, name)])
    error_message = "An alarm is missing: there are ${jsonencode(output.alarm_names)}"
  }
}

# What is not known before AWS has made it must not decide what is made: a first plan would fail.
run "from_an_empty_account" {
  command = plan

  providers = {
    aws = aws.nothing_known
  }

  assert {
    condition     = length(output.slots) == 4
    error_message = "The slots must be known before anything is made."
  }
}

mock_provider "aws" {
  alias  = "nothing_known"
  source = "./tests/mocks"
}

run "a_machine_more_before_the_home_rule_knows" {
  command = plan

  variables {
    instance_machines       = 5
    instances_per_machine   = 1
    home_count              = 4
    backup_object_lock_days = 14
    internal                = true
    avoided_zones           = ["eu-central-1b"]
    storage                 = { throughput = "bursting" }
  }

  assert {
    condition     = [for role in ["router", "instance", "backup"] : jsondecode(aws_ssm_parameter.settings[role].value)["wharf.env"].env.WHATSAPP_INSTANCE_COUNT] == ["4", "5", "4"] && output.slots["5"].instances == ["instance-5"]
    error_message = "A fifth instance must start, which it does by a count of five, while homes are still counted by four."
  }

  assert {
    condition     = output.slots["1"].instances == ["instance-1"] && output.slots["1"].group == "wharf-test-instance-1"
    error_message = "A machine more must change nothing of those before."
  }

  assert {
    condition     = [for slot in ["1", "2", "3", "4", "5"] : output.slots[slot].zone] == ["eu-central-1a", "eu-central-1c", "eu-central-1c", "eu-central-1a", "eu-central-1a"]
    error_message = "No slot may stand in an avoided zone, and the others must stay: ${jsonencode(output.slots)}"
  }

  assert {
    condition     = contains(output.alarm_names, "wharf-test-storage-credits")
    error_message = "Bursting storage must have an alarm on its credits."
  }
}

run "refuses_what_cannot_work" {
  command = plan

  variables {
    name                  = "Wharf_Test"
    ami_id                = "debian-12"
    domain_name           = "https://wharf.example.com"
    home_count            = 9
    sessions_per_instance = 0
    packages = {
      bucket           = "packages"
      wharf_key        = "wharf.tar"
      wharf_sha256     = "latest"
      efs_utils_key    = "amazon-efs-utils.deb"
      efs_utils_sha256 = "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"
    }
    settings = { all = { REDIS_URL = "redis://elsewhere" } }
    redis    = { queues_nodes = 2 }
  }

  expect_failures = [
    var.name,
    var.ami_id,
    var.domain_name,
    var.home_count,
    var.sessions_per_instance,
    var.packages,
    var.settings,
    var.redis,
  ]
}

# What it runs in is the operator's choice: a machine that was replaced at night must not have another.
run "a_chromium_of_its_own" {
  command = plan

  variables {
    packages = {
      bucket           = "packages"
      wharf_key        = "wharf_0.1.0_amd64.deb"
      wharf_sha256     = "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
      efs_utils_key    = "amazon-efs-utils.deb"
      efs_utils_sha256 = "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"
      chromium = {
        "chromium-headless-shell_156.0.8078.79-1~deb12u1_amd64.deb" = "cccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccc"
        "chromium-common_156.0.8078.79-1~deb12u1_amd64.deb"         = "dddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddd"
      }
    }
  }

  assert {
    condition = alltrue([
      for slot in ["1", "2", "3", "4"] :
      strcontains(output.user_data["instance-${slot}"], "chromium-headless-shell_156.0.8078.79-1~deb12u1_amd64.deb=cccccccc") && strcontains(output.user_data["instance-${slot}"], "chromium-common_156.0.8078.79-1~deb12u1_amd64.deb=dddddddd")
    ])
    error_message = "Every slot must be told of the Chromium that was chosen, with its sums."
  }

  assert {
    condition     = length(local.package_arns) == 4
    error_message = "Machines must be allowed to read what they are told to install."
  }
}

run "refuses_half_of_a_chromium" {
  command = plan

  variables {
    packages = {
      bucket           = "packages"
      wharf_key        = "wharf_0.1.0_amd64.deb"
      wharf_sha256     = "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
      efs_utils_key    = "amazon-efs-utils.deb"
      efs_utils_sha256 = "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"
      chromium         = { "chromium-headless-shell_156_amd64.deb" = "cccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccc" }
    }
  }

  expect_failures = [var.packages]
}
