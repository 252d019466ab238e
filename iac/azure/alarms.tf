resource "azurerm_monitor_action_group" "mail" {
  count = var.alert_email == "" ? 0 : 1

  name                = var.name
  resource_group_name = azurerm_resource_group.this.name
  short_name          = "tidemill"

  email_receiver {
    name          = "mail"
    email_address = var.alert_email
  }
}

# Metrics: https://learn.microsoft.com/azure/azure-monitor/reference/supported-metrics/metrics-index
resource "azurerm_monitor_metric_alert" "gave_up" {
  for_each = toset(["DeadLetteredCount", "DroppedEventCount"])

  name                = "${var.name}-events-${each.key}"
  resource_group_name = azurerm_resource_group.this.name
  description         = "Event Grid gave up on an event."
  scopes              = [azurerm_eventgrid_system_topic.zones.id]
  severity            = 1

  criteria {
    metric_namespace = "Microsoft.EventGrid/systemTopics"
    metric_name      = each.key
    aggregation      = "Total"
    operator         = "GreaterThan"
    threshold        = 0
  }

  dynamic "action" {
    for_each = azurerm_monitor_action_group.mail[*].id
    content {
      action_group_id = action.value
    }
  }
}

resource "azurerm_monitor_metric_alert" "failures" {
  for_each = merge(azurerm_container_app.function, { (local.endpoint) = azurerm_container_app.endpoint })

  name                = "${each.value.name}-fails"
  resource_group_name = azurerm_resource_group.this.name
  description         = "${each.value.name} answers with 5xx."
  scopes              = [each.value.id]
  severity            = 2

  criteria {
    metric_namespace = "Microsoft.App/containerApps"
    metric_name      = "Requests"
    aggregation      = "Total"
    operator         = "GreaterThan"
    threshold        = 5

    dimension {
      name     = "statusCodeCategory"
      operator = "Include"
      values   = ["5xx"]
    }
  }

  dynamic "action" {
    for_each = azurerm_monitor_action_group.mail[*].id
    content {
      action_group_id = action.value
    }
  }
}

resource "azurerm_consumption_budget_resource_group" "month" {
  count = var.alert_email == "" ? 0 : 1

  name              = var.name
  resource_group_id = azurerm_resource_group.this.id
  amount            = var.budget
  time_grain        = "Monthly"

  time_period {
    start_date = formatdate("YYYY-MM-01'T'00:00:00'Z'", timestamp())
  }

  notification {
    threshold      = 80
    operator       = "GreaterThan"
    contact_emails = [var.alert_email]
  }

  notification {
    threshold      = 100
    operator       = "GreaterThan"
    contact_emails = [var.alert_email]
  }

  lifecycle {
    ignore_changes = [time_period]
  }
}
