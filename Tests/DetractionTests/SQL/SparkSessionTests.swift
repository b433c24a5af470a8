import Foundation
import TestSupport
import Testing

/// The Spark session that other tests ask: what it answers is what Spark computed, to the bit.
@Suite struct SparkSessionTests {
  @Test func statementsRunInOrderAndTheLastOneAnswers() throws {
    let script = """
      -- A comment; with a semicolon and a quote's mark.
      SET spark.sql.session.timeZone = Europe/Berlin;
      CREATE TEMPORARY VIEW `a;b` AS SELECT * FROM VALUES
        (1, 0.1D, 'it''s; so', TRUE), (2, CAST(NULL AS DOUBLE), 'two\\nlines', FALSE),
        (3, 4.9E-324D, NULL, NULL), (4, CAST('NaN' AS DOUBLE), 'Zürich 東京', TRUE)
        AS t(`n`, `x`, `text`, `flag`);
      /* another; one */
      SELECT `n`, `x`, `text`, `flag`, hour(timestamp_micros(0)) AS `hour` FROM `a;b` ORDER BY `n`;
      """
    guard let answer = try Spark.run(script) else { return }
    #expect(answer.columns == ["n", "x", "text", "flag", "hour"])
    #expect(
      answer.rows.prefix(3) == [
        [.integer(1), .double(0.1), .text("it's; so"), .boolean(true), .integer(1)],
        [.integer(2), .null, .text("two\nlines"), .boolean(false), .integer(1)],
        [.integer(3), .double(.leastNonzeroMagnitude), .null, .null, .integer(1)],
      ])
    #expect(answer.rows[3][1].number?.isNaN == true)
    #expect(answer.rows[3][2].text == "Zürich 東京")
    // Neither views nor settings outlive a script, and a failure ends nothing.
    #expect(throws: Spark.Failure.self) { _ = try Spark.run("SELECT * FROM `a;b`") }
    #expect(try Spark.run("SELECT hour(timestamp_micros(0))")?.rows == [[.integer(0)]])
  }
}
