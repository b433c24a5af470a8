// swift-tools-version: 6.2
import PackageDescription

let package = Package(
  name: "tacit",
  dependencies: [
    .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2"),
    .package(url: "https://github.com/apple/swift-crypto", from: "4.5.2"),
    .package(url: "https://github.com/groue/GRDB.swift", from: "7.10.0"),
    .package(url: "https://github.com/LebJe/TOMLKit", from: "0.6.0"),
  ],
  targets: [
    .systemLibrary(name: "COpenBLAS", providers: [.apt(["libopenblas-dev"])]),
    .systemLibrary(name: "CLibPQ", providers: [.apt(["libpq-dev"])]),
    .systemLibrary(name: "CZlib", providers: [.apt(["zlib1g-dev"])]),
    .target(name: "Learning", dependencies: ["COpenBLAS"]),
    .target(
      name: "Histories",
      dependencies: [
        "CLibPQ", "CZlib", .product(name: "TOMLKit", package: "TOMLKit"),
        .product(name: "Crypto", package: "swift-crypto"),
      ]),
    .target(
      name: "Detraction",
      dependencies: ["Histories", "Learning", .product(name: "Crypto", package: "swift-crypto")]),
    .target(
      name: "Outreach",
      dependencies: [
        "CLibPQ", "Detraction", "Histories", .product(name: "GRDB", package: "GRDB.swift"),
        .product(name: "Crypto", package: "swift-crypto"),
      ]),
    .target(name: "Synthesis"),
    .executableTarget(
      name: "tacit",
      dependencies: [
        "Detraction", "Histories", "Learning", "Outreach", "Synthesis",
        .product(name: "ArgumentParser", package: "swift-argument-parser"),
      ]),
    .target(name: "TestSupport", dependencies: ["Histories"], path: "Tests/TestSupport"),
    .testTarget(name: "LearningTests", dependencies: ["Learning", "TestSupport"]),
    .testTarget(name: "HistoriesTests", dependencies: ["Histories", "TestSupport"]),
    .testTarget(
      name: "DetractionTests", dependencies: ["Detraction", "Histories", "Learning", "TestSupport"]),
    .testTarget(
      name: "OutreachTests",
      dependencies: [
        "Outreach", "Detraction", "Histories", "TestSupport",
        .product(name: "GRDB", package: "GRDB.swift"),
      ]),
    .testTarget(name: "SynthesisTests", dependencies: ["Synthesis", "TestSupport"]),
    .testTarget(name: "EndToEndTests", dependencies: ["TestSupport"]),
  ]
)

for target in package.targets where target.type != .system {
  target.swiftSettings = [
    .swiftLanguageMode(.v6),
    .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("InternalImportsByDefault"),
    .enableUpcomingFeature("MemberImportVisibility"),
    .enableUpcomingFeature("NonisolatedNonsendingByDefault"),
    .enableUpcomingFeature("InferIsolatedConformances"),
  ]
}
