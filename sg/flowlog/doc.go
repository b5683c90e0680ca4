// Package flowlog reads and writes the records of VPC flow logs. It does not
// judge them.
//
// [Open] reads files and folders, [NewReader] any stream. A file's bytes tell its
// format, never its name:
//
//   - text as in S3, with a header line that names the fields; headers may change
//     within a file, as they do where files were joined
//   - text as in CloudWatch Logs, without a header: [Options] name the format, or
//     it is the default one. Each record may have a time, or a time and the name
//     of a log stream, in front, as "aws logs tail" and export tasks write them.
//     Lines may also be CSV of timestamp and message
//   - JSON of "aws logs" get-log-events, filter-log-events and get-query-results
//     (of queries for @message); events of subscriptions, alone or as base64 and
//     gzip in the "data" that Lambda and Kinesis pass on; and objects with a
//     "message", one after the other, as Firehose writes them
//   - all of that in gzip
//
// The command in the module flowparquet, beside this package, converts Parquet to
// text:
//
//	cd sg/flowlog/flowparquet && go run . /path/to/AWSLogs > /path/to/flow.log
//
// An unreadable line is counted and reported with its place, and reading goes on.
// Memory depends on how many files are open at once, not on their size.
//
// All numbers are as in the records: times in Unix seconds, packets and bytes of
// the aggregation interval. Sources: VPC User Guide, "Flow log records", read
// 2026-09, for fields and their versions.
package flowlog
