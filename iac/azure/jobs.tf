# Runs when it is started alone; who starts it says what to do.
resource "azurerm_container_app_job" "job" {
  name                         = "${var.name}-${local.slug[local.job]}"
  resource_group_name          = azurerm_resource_group.this.name
  location                     = azurerm_resource_group.this.location
  container_app_environment_id = azurerm_container_app_environment.this.id
  replica_timeout_in_seconds   = local.functions[local.job].timeout
  replica_retry_limit          = 1

  manual_trigger_config {}

  identity {
    type         = "UserAssigned"
    identity_ids = [azurerm_user_assigned_identity.function[local.job].id]
  }

  dynamic "registry" {
    for_each = var.registry == "" ? [] : [split("/", var.image)[0]]
    content {
      server   = registry.value
      identity = azurerm_user_assigned_identity.function[local.job].id
    }
  }

  template {
    container {
      name    = "job"
      image   = var.image
      command = ["python"]
      args    = ["-m", "functions.${local.job}"]
      cpu     = local.cpu[local.job]
      memory  = "${local.cpu[local.job] * 2}Gi"

      dynamic "env" {
        for_each = local.environment[local.job]
        content {
          name  = env.key
          value = env.value
        }
      }
    }
  }

  depends_on = [azurerm_role_assignment.pull]
}

# A turn of a schedule is a job of its own: it may take as long as its function declares.
resource "azurerm_container_app_job" "schedule" {
  for_each = local.declared.schedules

  name                         = local.schedule_name[each.key]
  resource_group_name          = azurerm_resource_group.this.name
  location                     = azurerm_resource_group.this.location
  container_app_environment_id = azurerm_container_app_environment.this.id
  replica_timeout_in_seconds   = local.functions[each.value.function].timeout
  replica_retry_limit          = 3

  schedule_trigger_config {
    cron_expression = each.value.cron
  }

  identity {
    type         = "UserAssigned"
    identity_ids = [azurerm_user_assigned_identity.function[each.value.function].id]
  }

  dynamic "registry" {
    for_each = var.registry == "" ? [] : [split("/", var.image)[0]]
    content {
      server   = registry.value
      identity = azurerm_user_assigned_identity.function[each.value.function].id
    }
  }

  secret {
    name  = "alerts"
    value = local.functions[each.value.function].publishes ? var.alerts : "log://"
  }

  template {
    container {
      name    = "schedule"
      image   = var.image
      command = ["python"]
      args    = ["-m", "core.hosts.scheduled", each.value.function, each.value.model]
      cpu     = local.cpu[each.value.function]
      memory  = "${local.cpu[each.value.function] * 2}Gi"

      dynamic "env" {
        for_each = merge(
          local.environment[each.value.function],
          contains(keys(local.starters), each.value.function) ? { TIDEMILL_JOBS = local.jobs } : {},
        )
        content {
          name  = env.key
          value = env.value
        }
      }

      env {
        name        = "TIDEMILL_ALERTS"
        secret_name = "alerts"
      }
    }
  }

  depends_on = [azurerm_role_assignment.pull]
}
