// Package flowlog reads and writes the records of VPC flow logs, and nothing
// else: what a security group would say about them is not its business.
//
// [Open] reads files and folders, [NewReader] any stream. What lies in a file is
// told by its bytes, never by its name:
//
//   - text as S3 has it, with a header line that names the fields; headers may
//     change within a file, as they do where files were joined
//   - text as CloudWatch Logs has it, without a header: [Options] name the format,
//     or it is the default one. A time, or a time and the name of a log stream,
//     may stand before each record, as "aws logs tail" and export tasks write
//     them, or the line be one of a CSV file of timestamp and message
//   - JSON of "aws logs" get-log-events, filter-log-events and get-query-results
//     (that ask for @message), events of subscriptions, alone or as base64 and
//     gzip in the "data" that Lambda and Kinesis hand on, and objects with a
//     "message", one behind the other, as Firehose writes them
//   - all of that in gzip
//
// Parquet needs the command of the module flowparquet beside this package, which
// turns it into text.
//
// A line that cannot be read is counted and reported with its place, and reading
// goes on. Memory depends on how many files are open at once, not on their size.
//
// All figures are those of the records: times are Unix seconds, packets and bytes
// those of the aggregation interval. Sources: VPC User Guide, "Flow log records",
// read 2026-09, for fields and their versions.
package flowlog
