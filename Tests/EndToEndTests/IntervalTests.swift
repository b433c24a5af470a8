import Foundation
import TestSupport
import Testing

/// `fit` keeps the covariance of its errors, `predict --intervals` makes intervals of scores from it.
@Suite struct IntervalTests {
  /// The logit's standard error and the ends against statsmodels' covariance (model, HC1, clustered)
  /// and, with a penalty, NumPy's (H + L)⁻¹; the same bits in CSV and NPY and on any threads.
  @Test(arguments: [
    ["--l2", "0"], ["--l2", "0", "--errors", "robust"], ["--l2", "0", "--group", "g.npy"],
    ["--l2", "0.05"],
  ])
  func againstStatsmodels(_ options: [String]) throws {
    let folder = try temporaryFolder()
    let made = try Python.run(
      """
      import json, sys, numpy as np
      folder = json.load(open(sys.argv[1]))
      rng = np.random.default_rng(3)
      n, p = 1700, 6
      x = rng.normal(size=(n, p)) * [1, 3, .1, 1, 1, 20] + [0, 50, 1, -2, 0, 3]
      g = rng.integers(0, 300, n)
      eta = x @ [.5, .1, 2, .3, 0, .02] - 7 + .7 * rng.normal(size=300)[g]
      for name, a in (("x", x), ("y", (rng.random(n) < 1 / (1 + np.exp(-eta))) * 1.0),
                      ("g", g * 1.0), ("new", np.asfortranarray(2 * x[:1031]))):
          np.save(f"{folder}/{name}.npy", a)
      """, on: folder.path)
    guard made != nil else { return }
    func run(_ arguments: [String]) throws {
      let result = try Program.run(arguments, in: folder)
      try #require(result.status == 0, "\(result.errors)")
    }
    try run(
      ["fit", "x.npy", "--labels", "y.npy", "--standardise", "none", "--model", "m.json"] + options)
    let predict = ["predict", "new.npy", "--model", "m.json", "--intervals", "--out"]
    for (name, threads) in [("1.npy", "1"), ("3.npy", "3"), ("p.csv", "2")] {
      try run(predict + [name, "--threads", threads])
    }
    try run(predict + ["shifted.npy", "--prevalence", "0.1"])
    let output = try #require(
      try Python.run(
        """
        import json, sys, numpy as np, statsmodels.api as sm
        folder, *options = json.load(open(sys.argv[1]))
        load = lambda name: np.load(f"{folder}/{name}.npy")
        z, y, new = sm.add_constant(load("x")), load("y"), sm.add_constant(load("new"))
        ridge = float(options[1]) * len(y)
        if ridge:
            fit = json.load(open(folder + "/m.json"))["body"]["fit"]
            beta = np.array([fit["intercept"], *fit["coefficients"]])
            q = 1 / (1 + np.exp(-z @ beta))
            L = np.diag([0] + [ridge] * 6)
            V = np.linalg.inv(z.T @ (z * (q * (1 - q))[:, None]) + L)
        else:
            kind = ({"cov_type": "HC1"} if "robust" in options else
                    {"cov_type": "cluster", "cov_kwds": {"groups": load("g")}} if "--group" in options
                    else {})
            fit = sm.Logit(y, z).fit(method="newton", tol=1e-14, maxiter=50, disp=0, **kind)
            beta, V = fit.params, fit.cov_params()
            if "robust" in options:  # of likelihoods statsmodels' HC1 is HC0
                V = V * len(y) / (len(y) - 7)
        eta = new @ beta
        se = np.sqrt(np.einsum("ij,jk,ik->i", new, V, new))
        sigmoid = lambda t: 1 / (1 + np.exp(-t))
        ends = sigmoid(eta - 1.959963984540054 * se), sigmoid(eta + 1.959963984540054 * se)
        out, text = load("1"), np.loadtxt(folder + "/p.csv", delimiter=",", skiprows=1)
        logit = lambda q: np.log(q / (1 - q))
        shifts = (logit(load("shifted")) - logit(out))[:, [0, 2, 3]]
        print(json.dumps({
            "error": float(np.abs(out[:, 4] / se - 1).max()),
            "ends": float(max(np.abs(out[:, 2] - ends[0]).max(), np.abs(out[:, 3] - ends[1]).max())),
            "same": bool((out.view("u8") == load("3").view("u8")).all()
                         and (text[:, 1:] == out).all() and out.shape == (1031, 5)),
            "shift": float(np.ptp(shifts[np.isfinite(shifts)])),
            "header": open(folder + "/p.csv").readline().strip()}))
        """, on: [folder.path] + options))
    struct Verdict: Decodable {
      var error, ends, shift: Double
      var same: Bool
      var header: String
    }
    let found = try JSONDecoder().decode(Verdict.self, from: output)
    #expect(found.error < 1e-7 && found.ends < 1e-7 && found.same, "\(options): \(found)")
    #expect(
      found.shift < 1e-6 && found.header == "row,probability,logit,lower,upper,standard_error")
  }

  private func table(_ rows: Int = 3_000, columns: Int = 3) throws -> URL {
    let folder = try temporaryFolder()
    var draw = SplitMix64(5)
    var text = (0..<columns).map { "x\($0)," }.joined() + "y\n"
    for _ in 0..<rows {
      let x = (0..<columns).map { _ in draw.uniform() * 4 - 2 }
      let eta = (x[0] > 0 ? 1.5 : -0.5) + 0.8 * x[1] - 0.6
      let y = draw.uniform() < 1 / (1 + exp(-eta)) ? 1 : 0
      text += x.map { "\($0)," }.joined() + "\(y)\n"
    }
    try Data(text.utf8).write(to: folder.appendingPathComponent("d.csv"))
    return folder
  }

  /// Shapes with their calibration: the interval is about the calibrated probability; without the
  /// flag the same numbers as ever.
  @Test func ofShapesAndCalibration() throws {
    let folder = try table()
    let fit = try Program.run("fit", "d.csv", "--target", "y", "--model", "m.json", in: folder)
    try #require(fit.status == 0, "\(fit.errors)")
    func rows(_ more: String...) throws -> [[Double]] {
      let result = try Program.run(
        ["predict", "d.csv", "--model", "m.json", "--out", "p.csv"] + more, in: folder)
      try #require(result.status == 0, "\(result.errors)")
      let text = try String(contentsOf: folder.appendingPathComponent("p.csv"), encoding: .utf8)
      return text.split(separator: "\n").dropFirst().map {
        $0.split(separator: ",").compactMap { Double($0) }
      }
    }
    let (plain, all) = (try rows(), try rows("--intervals"))
    #expect(zip(plain, all).allSatisfy { $0 == Array($1.prefix(3)) })
    #expect(all.allSatisfy { $0.count == 6 && $0[3] < $0[1] && $0[1] < $0[4] && $0[5] > 0 })
    // Calibration maps ends and middle by one rising function: the order of logits is kept.
    let ends = all.flatMap { row in
      [(row[2], row[1]), (row[2] - 1.96 * row[5], row[3]), (row[2] + 1.96 * row[5], row[4])]
    }.sorted { $0.0 < $1.0 }
    #expect(zip(ends, ends.dropFirst()).allSatisfy { $0.1 <= $1.1 + 1e-4 })
  }

  /// A model that keeps no covariance says so, and is read and used without the flag.
  @Test(arguments: [["--l1", "0.01"], ["--firth"], ["--l2", "0.01", "--increasing", "x0"]])
  func notOfEveryModel(_ options: [String]) throws {
    let folder = try table(400)
    let fit = try Program.run(
      ["fit", "d.csv", "--target", "y", "--model", "m.json"] + options, in: folder)
    try #require(fit.status == 0, "\(fit.errors)")
    let predict = ["predict", "d.csv", "--model", "m.json", "--out", "p.csv"]
    let refused = try Program.run(predict + ["--intervals"], in: folder)
    #expect(refused.status == 65 && refused.errors.contains("covariance"), "\(refused.errors)")
    #expect(!FileManager.default.fileExists(atPath: folder.appendingPathComponent("p.csv").path))
    #expect(try Program.run(predict, in: folder).status == 0)
  }

  /// The covariance of many columns takes 11 bytes a value in the file.
  @Test func theFileStaysSmall() throws {
    let folder = try table(1_500, columns: 400)
    let fit = try Program.run(
      "fit", "d.csv", "--target", "y", "--l2", "0.1", "--model", "m.json", in: folder)
    try #require(fit.status == 0, "\(fit.errors)")
    let bytes = try Data(contentsOf: folder.appendingPathComponent("m.json")).count
    #expect(bytes > 800_000 && bytes < 401 * 402 / 2 * 11 + 150_000, "\(bytes)")
    let result = try Program.run(
      "predict", "d.csv", "--model", "m.json", "--intervals", "--out", "p.csv", in: folder)
    #expect(result.status == 0, "\(result.errors)")
  }
}
