// swift-tools-version: 6.2
import PackageDescription

// A package of their own, so that these tests build nothing but what they need.
let package = Package(
    name: "ObservabilityTests",
    platforms: [.macOS(.v26)],
    dependencies: [
        .package(name: "Apus", path: "../..", traits: ["Observability"]),
        .package(url: "https://github.com/apple/swift-log", from: "1.16.0"),
        .package(url: "https://github.com/apple/swift-metrics", from: "2.13.0"),
        .package(url: "https://github.com/apple/swift-distributed-tracing", from: "1.7.0"),
    ],
    targets: [
        .testTarget(
            name: "ApusObservabilityTests",
            dependencies: [
                .product(name: "Apus", package: "Apus"),
                .product(name: "ApusSandbox", package: "Apus"),
                .product(name: "ApusObservability", package: "Apus"),
                .product(name: "Logging", package: "swift-log"),
                .product(name: "InMemoryLogging", package: "swift-log"),
                .product(name: "MetricsTestKit", package: "swift-metrics"),
                .product(name: "InMemoryTracing", package: "swift-distributed-tracing"),
            ])
    ]
)
