// Certificates by the moment they end, whichever check saw them.
import { colour } from "../colours";
import { labelVariable, page } from "../page";
import { bigNumber, dataTable, days, expirySteps, stateTimeline, Steps, timeSeries } from "../panels";
import { named, stateMapping, worstState } from "../states";

const seen = `service=~"$service"`;
const expiry = `parallax_tls_certificate_expiry_timestamp_seconds{${seen}}`;
/** A certificate as those see it who hold it in different places: the earliest end counts. */
const ends = `min by (service, check, instance, position) (${expiry})`;

export function certificates() {
  return page({
    uid: "parallax-certificates",
    title: "Certificates",
    description: "When certificates end, which ones are shown and whether they can be trusted.",
    variables: [labelVariable("service", "Service", "parallax_tls_certificate_expiry_timestamp_seconds", "any")],
    sections: [
      { title: "Now", panels: numbers() },
      { title: "By expiry", panels: [expiryTable(), chainTable()] },
      { title: "Over time", panels: overTime() },
    ],
  });
}

function numbers() {
  const within = (low: string, days: number) =>
    `count(${low}${ends} < time() + ${days} * 86400) or 0 * count(${ends})`;
  const countSteps = (worst: string): Steps => [[null, colour.up], [1, worst]];
  return [
    bigNumber({
      title: "Ends first", description: "How long the certificate that ends first is still good.",
      width: 6, height: 4, unit: days, decimals: 1, steps: expirySteps,
      queries: [{ expr: `(min(${expiry}) - time()) / 86400` }],
    }),
    bigNumber({
      title: "Have ended", description: "Certificates past their end: clients refuse them.",
      width: 6, height: 4, unit: "none", steps: countSteps(colour.down), queries: [{ expr: within("", 0) }],
    }),
    bigNumber({
      title: "End within 14 days", description: "A ticket should exist (alert CertificateExpiring, warning).",
      width: 6, height: 4, unit: "none", steps: countSteps(colour.down), queries: [{ expr: within("time() <= ", 14) }],
    }),
    bigNumber({
      title: "End within 30 days", description: "Time to renew (alert CertificateExpiring, info).",
      width: 6, height: 4, unit: "none", steps: countSteps(colour.degraded), queries: [{ expr: within("time() <= ", 30) }],
    }),
  ];
}

function expiryTable() {
  return dataTable({
    title: "Certificates by expiry",
    description: "Each certificate that was sent, position 0 is the server's own. Of several locations the earliest end.",
    width: 24, height: 12,
    queries: [{ expr: `1000 * ${ends}` }, { expr: `(${ends} - time()) / 86400` }],
    columns: [
      { field: "service", title: "Service" },
      { field: "check", title: "Check" },
      { field: "instance", title: "Target" },
      { field: "position", title: "Position", width: 90 },
      { field: "Value #A", title: "Ends", unit: "dateTimeAsIso" },
      { field: "Value #B", title: "Left", unit: days, decimals: 1, steps: expirySteps },
    ],
    sortBy: { title: "Left" },
  });
}

function chainTable() {
  return dataTable({
    title: "Who issued them",
    description: "The server's own certificate by fingerprint. Two rows for one target: locations see different certificates.",
    width: 24, height: 12,
    queries: [{
      expr: `count by (service, instance, subject, issuer, serialnumber, fingerprint_sha256) (probe_ssl_last_chain_info{${seen}})`,
    }],
    columns: [
      { field: "service", title: "Service" },
      { field: "instance", title: "Target" },
      { field: "Value", title: "Locations", width: 90 },
      { field: "subject", title: "Subject" },
      { field: "issuer", title: "Issuer" },
      { field: "serialnumber", title: "Serial number" },
      { field: "fingerprint_sha256", title: "SHA-256" },
    ],
    sortBy: { title: "Service" },
  });
}

function overTime() {
  return [
    timeSeries({
      title: "Time left by service",
      description: "Of the certificate that ends first. A step up is a renewal that has reached the servers.",
      width: 8, height: 8, unit: days, min: 0, steps: expirySteps, drawSteps: true,
      queries: [{ expr: `(min by (service) (check:certificate_expiry:timestamp_seconds_min{${seen}}) - time()) / 86400`, legend: "{{service}}" }],
    }),
    timeSeries({
      title: "Handshake time by service",
      description: "The TLS phase of HTTP checks, mean over locations.",
      width: 8, height: 8, unit: "s", min: 0,
      queries: [{
        expr: `avg by (service) (probe_http_duration_seconds{${seen},phase="tls"} and on (service, check, location) probe_http_ssl == 1)`,
        legend: "{{service}}",
      }],
    }),
    timeSeries({
      title: "TLS versions",
      description: "How many checks and locations agreed on which version.",
      width: 8, height: 8, unit: "none", min: 0, decimals: 0, stacked: true,
      queries: [{ expr: `count by (version) (probe_tls_version_info{${seen}})`, legend: "{{version}}" }],
    }),
    stateTimeline({
      title: "Certificate checks",
      description: "One row a check and location; degraded is what a warning of its definition says, as a certificate near its end.",
      width: 24, height: 16, mappings: stateMapping,
      queries: [{
        expr: named(`${worstState("service, check, location", seen)} and on (service, check) parallax_check_info{type="tls"}`,
          "service", "location"),
        legend: "{{_at}}",
      }],
    }),
  ];
}
