resource "azurerm_log_analytics_workspace" "this" {
  name                = var.name
  resource_group_name = azurerm_resource_group.this.name
  location            = azurerm_resource_group.this.location
  sku                 = "PerGB2018"
  retention_in_days   = 30
}

resource "azurerm_container_app_environment" "this" {
  name                       = var.name
  resource_group_name        = azurerm_resource_group.this.name
  location                   = azurerm_resource_group.this.location
  logs_destination           = "log-analytics"
  log_analytics_workspace_id = azurerm_log_analytics_workspace.this.id
}

# Event Grid posts to addresses that it can reach from outside alone: the key says that it is Event Grid.
resource "azurerm_container_app" "function" {
  for_each = local.events

  name                         = "${var.name}-${local.slug[each.key]}"
  resource_group_name          = azurerm_resource_group.this.name
  container_app_environment_id = azurerm_container_app_environment.this.id
  revision_mode                = "Single"

  identity {
    type         = "UserAssigned"
    identity_ids = [azurerm_user_assigned_identity.function[each.key].id]
  }

  dynamic "registry" {
    for_each = var.registry == "" ? [] : [split("/", var.image)[0]]
    content {
      server   = registry.value
      identity = azurerm_user_assigned_identity.function[each.key].id
    }
  }

  secret {
    name  = "keys"
    value = local.event_keys
  }

  secret {
    name  = "alerts"
    value = each.value.publishes ? var.alerts : "log://"
  }

  ingress {
    external_enabled = true
    target_port      = 8080

    traffic_weight {
      latest_revision = true
      percentage      = 100
    }
  }

  template {
    min_replicas                     = 0
    max_replicas                     = coalesce(each.value.concurrency, 10)
    termination_grace_period_seconds = min(600, each.value.timeout)

    http_scale_rule {
      name                = "one-event-each"
      concurrent_requests = "1"
    }

    container {
      name   = "function"
      image  = var.image
      cpu    = local.cpu[each.key]
      memory = "${local.cpu[each.key] * 2}Gi"

      dynamic "env" {
        for_each = merge(
          local.environment[each.key],
          { TIDEMILL_FUNCTION = each.key, TIDEMILL_ACCESS = "keys" },
          contains(keys(local.starters), each.key) ? { TIDEMILL_JOBS = local.jobs } : {},
        )
        content {
          name  = env.key
          value = env.value
        }
      }

      env {
        name        = "TIDEMILL_KEYS"
        secret_name = "keys"
      }

      env {
        name        = "TIDEMILL_ALERTS"
        secret_name = "alerts"
      }
    }
  }

  depends_on = [azurerm_role_assignment.pull]
}

# The endpoint is the same image with another entry point.
resource "azurerm_container_app" "endpoint" {
  name                         = "${var.name}-${local.slug[local.endpoint]}"
  resource_group_name          = azurerm_resource_group.this.name
  container_app_environment_id = azurerm_container_app_environment.this.id
  revision_mode                = "Single"

  identity {
    type         = "UserAssigned"
    identity_ids = [azurerm_user_assigned_identity.function[local.endpoint].id]
  }

  dynamic "registry" {
    for_each = var.registry == "" ? [] : [split("/", var.image)[0]]
    content {
      server   = registry.value
      identity = azurerm_user_assigned_identity.function[local.endpoint].id
    }
  }

  ingress {
    external_enabled = true
    target_port      = 8080

    traffic_weight {
      latest_revision = true
      percentage      = 100
    }
  }

  template {
    min_replicas                     = 0
    max_replicas                     = coalesce(local.functions[local.endpoint].concurrency, 10)
    termination_grace_period_seconds = local.functions[local.endpoint].timeout

    container {
      name    = "endpoint"
      image   = var.image
      command = ["python", "-m", "functions.${local.endpoint}.container"]
      cpu     = local.cpu[local.endpoint]
      memory  = "${local.cpu[local.endpoint] * 2}Gi"

      readiness_probe {
        transport = "HTTP"
        port      = 8080
        path      = "/v2/health/ready"
      }

      liveness_probe {
        transport = "HTTP"
        port      = 8080
        path      = "/v2/health/live"
      }

      dynamic "env" {
        for_each = merge(local.environment[local.endpoint], var.endpoint_settings, { TIDEMILL_ACCESS = var.access })
        content {
          name  = env.key
          value = env.value
        }
      }
    }
  }

  depends_on = [azurerm_role_assignment.pull]
}
