// swift-tools-version: 6.2
import CompilerPluginSupport
import PackageDescription

// What there is only with a trait, in a package of its own: the other tests resolve and build
// nothing of the packages that this needs.
let package = Package(
    name: "TraitTests",
    platforms: [.macOS(.v26)],
    dependencies: [
        .package(name: "Apus", path: "../..", traits: ["Macros", "Observability"]),
        .package(url: "https://github.com/swiftlang/swift-syntax", "602.0.0"..<"604.0.0"),
        .package(url: "https://github.com/apple/swift-log", from: "1.16.0"),
        .package(url: "https://github.com/apple/swift-metrics", from: "2.13.0"),
        .package(url: "https://github.com/apple/swift-distributed-tracing", from: "1.7.0"),
    ],
    targets: [
        // A link to the sources of `ApusMacroPlugin`, which no other package can import.
        .macro(
            name: "TestedMacroPlugin",
            dependencies: [
                "SwiftSyntax", "SwiftParser", "SwiftSyntaxBuilder", "SwiftDiagnostics",
                "SwiftSyntaxMacros", "SwiftCompilerPlugin",
            ].map { .product(name: $0, package: "swift-syntax") },
            swiftSettings: [.define("Macros"), .enableUpcomingFeature("InternalImportsByDefault")]),
        .testTarget(
            name: "ExpansionTests",
            dependencies: ["TestedMacroPlugin"]
                + [
                    "SwiftSyntaxMacros", "SwiftSyntaxMacroExpansion",
                    "SwiftSyntaxMacrosGenericTestSupport",
                ].map { .product(name: $0, package: "swift-syntax") }),
        .testTarget(
            name: "UseTests",
            dependencies: [
                .product(name: "Apus", package: "Apus"),
                .product(name: "ApusMacros", package: "Apus"),
            ]),
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
            ]),
    ]
)
