//! Recognizes the exports of widespread ticket systems by their headers.
//!
//! A recognized export only adds headers that the general rules try first; the cells must pass the same
//! rules.

use super::header_words::{listed, words};

/// A system whose export has a header of its own. Headers are lower-case words: `Date/Time Opened` is
/// `date time opened`.
#[derive(Debug)]
pub(super) struct Exporter {
    /// For people: `a case report of Salesforce`.
    pub(super) name: &'static str,
    /// The headers that all its exports have.
    all: &'static str,
    /// Headers of which it has at least one.
    any: &'static str,
    /// Headers of the row's own id, the best first.
    pub(super) key: &'static str,
    /// Headers for `Name`, the best first.
    pub(super) title: &'static str,
    /// Headers for `Description`, the best first.
    pub(super) description: &'static str,
    /// Headers of dates, the most important first: a contact has room for five.
    pub(super) dates: &'static str,
}

const EXPORTERS: &[Exporter] = &[
    Exporter {
        name: "an issue export of Jira",
        all: "summary, issue key, issue id",
        any: "issue type, status, project key, created, parent id",
        key: "issue key",
        title: "summary",
        description: "description",
        dates: "created, resolved, updated, due date, due",
    },
    Exporter {
        name: "a list export of ServiceNow",
        all: "number, short description",
        any: "sys created on, sys updated on, opened at, opened by, sys id, assignment group, caller id, \
            opened",
        key: "number, sys id",
        title: "short description",
        description: "description, comments and work notes, comments",
        dates: "opened at, opened, sys created on, created, resolved at, resolved, closed at, closed, \
            sys updated on, updated, due date",
    },
    Exporter {
        name: "a ticket export of Zendesk",
        all: "id, subject, status, requester",
        any: "created at, updated at, requested, solved at, assignee, submitter, via",
        key: "id",
        title: "subject",
        description: "description",
        dates: "created at, requested, solved at, updated at, due date, assigned at",
    },
    Exporter {
        name: "a ticket export of Freshdesk",
        all: "ticket id, subject, status, created time",
        any: "priority, source, agent, group, due by time, resolved time, closed time, last update time",
        key: "ticket id",
        title: "subject",
        description: "description",
        dates: "created time, resolved time, closed time, last update time, due by time",
    },
    Exporter {
        name: "a case report of Salesforce",
        all: "case number, subject",
        any: "date time opened, opened date, created date, date time closed, closed date, case owner, \
            case origin, origin, case record type, account name",
        key: "case number, case id, id",
        title: "subject",
        description: "description, comments",
        dates: "date time opened, opened date, created date, date time closed, closed date, \
            last modified date, case last modified date",
    },
    Exporter {
        name: "a ticket export of HubSpot",
        all: "ticket name",
        any: "create date, pipeline, ticket status, ticket owner, close date",
        key: "ticket id, record id",
        title: "ticket name",
        description: "ticket description",
        dates: "create date, close date, last modified date, ticket close date",
    },
    Exporter {
        name: "a contact search of Amazon Connect",
        all: "contact id, channel",
        any: "initiation timestamp, initiation method, disconnect timestamp",
        key: "contact id",
        title: "",
        description: "",
        dates: "initiation timestamp, connected to agent timestamp, disconnect timestamp",
    },
];

/// The system whose export has these columns.
pub(super) fn recognize(columns: &[String]) -> Option<&'static Exporter> {
    let headers: Vec<String> = columns.iter().map(|name| words(name).join(" ")).collect();
    let has = |header: &str| headers.iter().any(|known| known == header);
    EXPORTERS.iter().find(|exporter| listed(exporter.all).all(has) && listed(exporter.any).any(has))
}

#[cfg(test)]
mod tests {
    use super::super::roles::ColumnRoles;
    use super::super::sample::CsvSample;
    use super::*;

    /// A documented header, and the columns that it is recognized for.
    struct Export {
        system: &'static str,
        header: &'static str,
        key: &'static str,
        name: &'static str,
        description: &'static str,
        /// The references, in their order.
        dates: &'static str,
    }

    const EXPORTS: &[Export] = &[
        // Jira repeats the headers of fields with several values, such as Labels and Comment.
        // Atlassian Support, "Export issues", Export CSV (all fields):
        // https://support.atlassian.com/jira-software-cloud/docs/export-issues/
        Export {
            system: "Jira",
            header: "Summary,Issue key,Issue id,Issue Type,Status,Project key,Project name,\
                Project type,Project lead,Project description,Project url,Priority,Resolution,\
                Assignee,Reporter,Creator,Created,Updated,Last Viewed,Resolved,Due Date,Votes,\
                Labels (1),Labels (2),Description,Environment,Comment (1),Comment (2)",
            key: "Issue key",
            name: "Summary",
            description: "Description",
            dates: "Created, Resolved, Updated, Due Date",
        },
        // A list's CSV has the names of its fields, other formats their labels.
        // ServiceNow Docs, "Export data from a list", and "Incident table": https://docs.servicenow.com
        Export {
            system: "ServiceNow",
            header: "number,opened_at,short_description,caller_id,priority,state,category,\
                assignment_group,assigned_to,sys_created_on,sys_updated_on,sys_updated_by,\
                due_date,resolved_at,closed_at,sys_id,parent_incident,description",
            key: "number",
            name: "short_description",
            description: "description",
            dates: "opened_at, sys_created_on, resolved_at, closed_at, sys_updated_on",
        },
        Export {
            system: "ServiceNow",
            header: "Number,Opened,Short description,Caller,Priority,State,Category,Assignment group,\
                Assigned to,Updated,Updated by",
            key: "Number",
            name: "Short description",
            description: "",
            dates: "Opened, Updated",
        },
        // Zendesk help, "Exporting data to a JSON, CSV, or XML file":
        // https://support.zendesk.com/hc/en-us/articles/4408886165402
        Export {
            system: "Zendesk",
            header: "Summation column,Id,Requester,Requester id,Requester external id,Requester email,\
                Requester domain,Submitter,Assignee,Group,Subject,Tags,Status,Priority,Via,\
                Ticket type,Created at,Updated at,Assigned at,Organization,Due date,\
                Initially assigned at,Solved at,Resolution time,Satisfaction Score,Reopens,\
                Replies,First reply time in minutes",
            key: "Id",
            name: "Subject",
            description: "",
            dates: "Created at, Solved at, Updated at, Due date, Assigned at",
        },
        // The columns of an exported view. Zendesk help, "Exporting a view to a CSV file".
        Export {
            system: "Zendesk",
            header: "Id,Subject,Status,Requester,Created at",
            key: "Id",
            name: "Subject",
            description: "",
            dates: "Created at",
        },
        // Freshdesk support, "Exporting ticket data": the fields that the dialog of Tickets, Export offers:
        // https://support.freshdesk.com
        Export {
            system: "Freshdesk",
            header: "Ticket ID,Subject,Status,Priority,Source,Type,Agent,Group,Created time,\
                Due by Time,Resolved time,Closed time,Last update time,Initial response time,\
                Time tracked,Agent interactions,Customer interactions,Resolution status,\
                First response status,Tags,Survey results,Product,Full name,Title,Email,\
                Work phone,Contact ID",
            key: "Ticket ID",
            name: "Subject",
            description: "",
            dates: "Created time, Resolved time, Closed time, Last update time, Due by Time",
        },
        // Salesforce Help, "Export a Report", of the report type Cases.
        Export {
            system: "Salesforce",
            header: "Case Owner,Contact Name,Subject,Date/Time Opened,Age (Hours),Open,\
                Date/Time Closed,Closed,Case Number,Account Name,Status,Priority,Case Origin",
            key: "Case Number",
            name: "Subject",
            description: "",
            dates: "Date/Time Opened, Date/Time Closed",
        },
        // The fields of an export with Data Loader. Salesforce object reference, "Case":
        // https://developer.salesforce.com/docs/atlas.en-us.object_reference.meta/object_reference/sforce_api_objects_case.htm
        Export {
            system: "Salesforce",
            header: "Id,IsDeleted,MasterRecordId,CaseNumber,ContactId,AccountId,ParentId,SuppliedEmail,\
                Type,Status,Reason,Origin,Subject,Priority,Description,IsClosed,ClosedDate,\
                OwnerId,CreatedDate,LastModifiedDate",
            key: "CaseNumber",
            name: "Subject",
            description: "Description",
            dates: "CreatedDate, ClosedDate, LastModifiedDate",
        },
        // HubSpot knowledge base, "HubSpot's default ticket properties" and "Export your records":
        // https://knowledge.hubspot.com/properties/hubspots-default-ticket-properties
        Export {
            system: "HubSpot",
            header: "Ticket ID,Ticket name,Pipeline,Ticket status,Create date,Close date,Priority,\
                Ticket owner,Source,Ticket description,Associated Contact IDs",
            key: "Ticket ID",
            name: "Ticket name",
            description: "Ticket description",
            dates: "Create date, Close date",
        },
        // Amazon Connect Administrator Guide, "Search for completed and in-progress contacts":
        // https://docs.aws.amazon.com/connect/latest/adminguide/contact-search.html
        Export {
            system: "Amazon Connect",
            header: "Contact ID,Channel,Initiation timestamp,System phone number,Queue,Agent,\
                Customer phone number,Disconnect timestamp,Contact duration,Initiation method",
            key: "Contact ID",
            name: "Contact ID",
            description: "",
            dates: "Initiation timestamp, Disconnect timestamp",
        },
    ];

    fn columns(header: &str) -> Vec<String> {
        header.split(',').map(str::to_owned).collect()
    }

    fn system(header: &str) -> Option<&'static str> {
        let exporter = recognize(&columns(header))?;
        exporter.name.split_once(" of ").map(|(_, system)| system)
    }

    #[test]
    fn each_export_is_recognized_by_its_header_in_any_order() {
        for export in EXPORTS {
            assert_eq!(system(export.header), Some(export.system), "{}", export.header);
            let reversed: Vec<_> = export.header.rsplit(',').collect();
            assert_eq!(system(&reversed.join(",")), Some(export.system), "{}", export.header);
        }
    }

    #[test]
    fn other_headers_are_not_recognized() {
        for header in [
            "id,subject,email_id,created_at",
            "Ticket ID,Subject,Status",
            "number,short_description",
            "Case Number,Subject",
            "Contact ID,Channel,Name",
            "Summary,Issue key",
            "",
        ] {
            assert_eq!(system(header), None, "{header}");
        }
    }

    #[test]
    fn the_known_columns_of_each_export_get_their_roles() {
        for export in EXPORTS {
            let header = columns(export.header);
            let cell = |name: &String, row: usize| {
                let is_id = [export.key, "Id", "Issue id", "sys_id"].contains(&name.as_str());
                match name.as_str() {
                    name if export.dates.split(", ").any(|date| date == name) => {
                        format!("2024-01-1{row} 09:15:00")
                    }
                    name if name.ends_with("Id") || name.ends_with("ID") => format!("77{row}"),
                    _ if is_id => format!("HD-77{row}"),
                    "Subject" | "Summary" | "Short description" | "short_description" | "Ticket name" => {
                        format!("Subject {row}")
                    }
                    _ => "same".to_owned(),
                }
            };
            let rows: Vec<Vec<String>> =
                (0..5).map(|row| header.iter().map(|name| cell(name, row)).collect()).collect();
            let sample = CsvSample::whole(&header, &rows);
            let roles = ColumnRoles::guess(&sample);
            let named = |columns: Vec<usize>| {
                columns.into_iter().map(|index| header[index].as_str()).collect::<Vec<_>>().join(", ")
            };
            assert_eq!(named(roles.key_column().into_iter().collect()), export.key, "{}", export.header);
            assert_eq!(named(roles.name.unwrap().columns), export.name, "{}", export.header);
            let description = roles.description.map(|guess| guess.column).into_iter().collect();
            assert_eq!(named(description), export.description, "{}", export.header);
            let dates = roles.references.dates.iter().map(|date| date.column).collect();
            assert_eq!(named(dates), export.dates, "{}", export.header);
        }
    }
}
