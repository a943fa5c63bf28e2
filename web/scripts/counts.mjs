// Prints "N passed, N failed" from the JSON report of Vitest or Playwright, and fails where something failed.
//   node scripts/counts.mjs REPORT.json
import { readFileSync } from 'node:fs';

const report = JSON.parse(readFileSync(process.argv[2], 'utf8'));
const { passed, failed } =
  'stats' in report
    ? { passed: report.stats.expected + report.stats.flaky, failed: report.stats.unexpected + report.errors.length }
    : { passed: report.numPassedTests, failed: report.numFailedTests + report.testResults.filter(isBroken).length };

/** A file that could not even be read has no tests that could fail. */
function isBroken({ status, assertionResults }) {
  return status === 'failed' && assertionResults.every((one) => one.status === 'passed');
}

console.log(`${passed} passed, ${failed} failed`);
process.exitCode = failed === 0 && passed > 0 ? 0 : 1;
