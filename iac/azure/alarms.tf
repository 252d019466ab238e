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

locals {
  asked_of_the_log = {
    dead-letters = {
      description = "A function gave up on an event."
      query       = "ContainerAppConsoleLogs_CL | extend told = parse_json(Log_s) | where told.message startswith 'dead letter: ' | extend function = tostring(told.function)"
    }
    jobs = {
      description = "A job failed: a training, a schedule's turn, or one that reads a queue."
      query       = "ContainerAppSystemLogs_CL | where Reason_s in ('BackoffLimitExceeded', 'DeadlineExceeded') | extend function = tostring(column_ifexists('JobName_s', ''))"
    }
  }
}

# The tables come with the first line, so that they cannot be asked before.
resource "azurerm_monitor_scheduled_query_rules_alert_v2" "log" {
  for_each = local.asked_of_the_log

  name                  = "${var.name}-${each.key}"
  resource_group_name   = azurerm_resource_group.this.name
  location              = azurerm_resource_group.this.location
  description           = each.value.description
  scopes                = [azurerm_log_analytics_workspace.this.id]
  severity              = 1
  evaluation_frequency  = "PT5M"
  window_duration       = "PT5M"
  skip_query_validation = true

  criteria {
    query                   = each.value.query
    time_aggregation_method = "Count"
    operator                = "GreaterThan"
    threshold               = 0

    dimension {
      name     = "function"
      operator = "Include"
      values   = ["*"]
    }
  }

  action {
    action_groups = azurerm_monitor_action_group.mail[*].id
  }
}

resource "azurerm_monitor_metric_alert" "failures" {
  for_each = azurerm_container_app.endpoint

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
