# The example in its three sizes, as somebody would apply it.

mock_provider "aws" {
  override_during = plan
  source          = "./tests/mocks"
}

variables {
  region = "eu-central-1"
  zones  = ["eu-central-1a", "eu-central-1b", "eu-central-1c"]
  ami_id = "ami-0123456789abcdef0"
  packages = {
    bucket           = "packages"
    wharf_key        = "wharf_0.1.0_amd64.deb"
    wharf_sha256     = "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
    efs_utils_key    = "amazon-efs-utils.deb"
    efs_utils_sha256 = "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"
  }
  domain_name     = "wharf.example.com"
  certificate_arn = "arn:aws:acm:eu-central-1:123456789012:certificate/11111111-2222-3333-4444-555555555555"
  client_cidrs    = ["203.0.113.0/24"]
  alarm_emails    = ["ops@example.com"]
}

run "thousand" {
  command = plan

  module {
    source = "../../examples/fleet"
  }

  variables {
    sessions = 1000
  }

  assert {
    condition     = length(output.slots) == 5 && (length(output.slots) - 1) * 300 >= 1000
    error_message = "A thousand sessions must have room with one machine lost."
  }
}

run "two_thousand" {
  command = plan

  module {
    source = "../../examples/fleet"
  }

  variables {
    sessions = 2000
  }

  assert {
    condition     = length(output.slots) == 8 && (length(output.slots) - 1) * 300 >= 2000
    error_message = "Two thousand sessions must have room with one machine lost."
  }
}

run "three_thousand" {
  command = plan

  module {
    source = "../../examples/fleet"
  }

  variables {
    sessions = 3000
  }

  assert {
    condition     = length(output.slots) == 12 && (length(output.slots) - 1) * 300 >= 3000
    error_message = "Three thousand sessions must have room with one machine lost."
  }
}
