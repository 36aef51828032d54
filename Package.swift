// swift-tools-version: 6.2
import CompilerPluginSupport
import PackageDescription

/// What every Swift target of the house is built with.
let house: [SwiftSetting] = [
    .swiftLanguageMode(.v6),
    .strictMemorySafety(),
    .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("InternalImportsByDefault"),
    .enableUpcomingFeature("MemberImportVisibility"),
    .enableExperimentalFeature("Lifetimes"),
]

/// A floor of the house with the floors it stands on, and its tests, which may need more of them,
/// and some of whose files are data.
func module(
    _ name: String, on floors: String..., testsOn: [String] = [], testData: [String] = []
) -> [Target] {
    let below = floors.map { Target.Dependency(stringLiteral: $0) }
    let tested = below + testsOn.map { Target.Dependency(stringLiteral: $0) }
    return [
        .target(name: name, dependencies: below, swiftSettings: house),
        .testTarget(
            name: name + "Tests",
            dependencies: [.init(stringLiteral: name), "ApusTestSupport"] + tested,
            exclude: testData,
            swiftSettings: house),
    ]
}

/// A product of another package that only who sets `trait` needs.
func product(_ name: String, of package: String, if trait: String) -> Target.Dependency {
    .product(name: name, package: package, condition: .when(traits: [trait]))
}

/// What programs are linked with if who builds them asks for that (`Scripts/build-command`): all
/// that they need of the system, at an address that is another one each time. Flags like these are
/// refused in packages that others depend on, and so are there only then.
let programLinking: [LinkerSetting] =
    Context.environment["APUS_STATIC"] != "1"
    ? []
    : [
        .unsafeFlags([
            "-static-executable", "-use-ld=lld", "-Xclang-linker", "-static-pie",
            "-Xlinker", "-z", "-Xlinker", "pack-relative-relocs",
            // What Foundation is made of, which it names only to whom it is static from the start.
            "-l_FoundationCShims", "-l_FoundationCollections",
        ])
    ]

let package = Package(
    name: "Apus",
    platforms: [.macOS(.v26)],
    products: [
        .library(name: "Apus", targets: ["Apus"]),
        .library(name: "ApusWASI", targets: ["ApusWASI"]),
        .library(name: "ApusSandbox", targets: ["ApusSandbox"]),
        // For C, shared and static.
        .library(name: "ApusC", type: .dynamic, targets: ["ApusC"]),
        .library(name: "ApusCStatic", type: .static, targets: ["ApusC"]),
        .library(name: "ApusMacros", targets: ["ApusMacros"]),
        .library(name: "ApusObservability", targets: ["ApusObservability"]),
        .executable(name: "apus", targets: ["ApusCLI"]),
    ],
    // What a product needs of other packages is resolved only for who wants that: an embedder of
    // the libraries alone says `traits: []`.
    traits: [
        .default(enabledTraits: ["Command"]),
        .trait(name: "Command", description: "The command apus."),
        .trait(name: "Macros", description: "Clients of guests and host functions by macros."),
        .trait(
            name: "Observability", description: "Logs, metrics and traces of what guests do."),
    ],
    dependencies: [
        .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2"),
        .package(url: "https://github.com/swiftlang/swift-syntax", "602.0.0"..<"604.0.0"),
        .package(url: "https://github.com/apple/swift-log", from: "1.16.0"),
        .package(url: "https://github.com/apple/swift-metrics", from: "2.13.0"),
        .package(url: "https://github.com/apple/swift-distributed-tracing", from: "1.7.0"),
    ],
    targets: [
        // Floor 0: what the platform gives.
        [.target(name: "CApusHost")],
        module("ApusCollections"),
        // Floor 1: the languages, none of which knows the others, and locks.
        module("ApusLocks", on: "CApusHost"),
        module("ApusFormat", on: "ApusCollections"),
        module(
            "ApusAssembler", on: "ApusCollections", testData: ["Golden", "verify-golden"]),
        module("ApusIR", on: "ApusCollections", testData: ["Golden"]),
        // Floor 2: the text format, over the language.
        module("ApusText", on: "ApusFormat", "ApusCollections"),
        // Also floor 2: debugging information.
        module("ApusDWARF", on: "ApusCollections", "ApusLocks", testData: ["Fixtures"]),
        // Floor 3: what compiled code and the runtime must agree on.
        module("ApusABI", on: "ApusFormat", "ApusAssembler", "ApusCollections", "CApusHost"),
        // Also floor 3: how both compilers do vector instructions.
        module("ApusVectors", on: "ApusFormat", "ApusAssembler", "ApusCollections"),
        // Floor 4: compilers and runtime meet only through ApusABI.
        module(
            "ApusTrampolines", on: "ApusFormat", "ApusABI", "ApusAssembler", "ApusCollections"),
        module(
            "ApusBaseline", on: "ApusFormat", "ApusABI", "ApusAssembler", "ApusVectors",
            "ApusCollections",
            testsOn: ["ApusText"], testData: ["Golden", "annotate-golden"]),
        module(
            "ApusOptimizer", on: "ApusFormat", "ApusABI", "ApusAssembler", "ApusVectors", "ApusIR",
            "ApusCollections", "ApusLocks",
            testsOn: ["ApusText", "ApusBaseline"], testData: ["Golden"]),
        module(
            "ApusRuntime", on: "ApusFormat", "ApusABI", "ApusDWARF", "ApusCollections", "ApusLocks",
            "CApusHost"),
        // Floor 5: the public API, the only place that sees compilers and runtime.
        module(
            "Apus", on: "ApusFormat", "ApusText", "ApusABI", "ApusAssembler", "ApusTrampolines",
            "ApusBaseline", "ApusOptimizer", "ApusRuntime", "ApusDWARF", "ApusCollections",
            "ApusLocks",
            "CApusHost"),
        // Floor 6: scripts of the specification's test suite, for the command and the tests.
        [
            .target(
                name: "ApusScript", dependencies: ["Apus", "ApusText", "ApusFormat"],
                swiftSettings: house)
        ],
        // Floor 7: the host's side of WASI.
        module(
            "ApusWASI", on: "Apus", "ApusLocks", "CApusHost",
            testsOn: ["ApusOptimizer", "ApusRuntime"],
            testData: ["Suite/known-failures.txt", "Guests"]),
        // Floor 8: guests with all that they need.
        module("ApusSandbox", on: "Apus", "ApusFormat", "ApusWASI", "ApusLocks"),
        // Also floor 8: the API for C, whose headers and families of functions are C.
        [.target(name: "CApusC")],
        module(
            "ApusC", on: "Apus", "ApusWASI", "ApusText", "ApusLocks", "CApusC",
            testData: ["Programs"]),
        // Also floor 8: clients and host functions by macros. Without its trait there is nothing in
        // it, and the same goes for what observes guests.
        [
            .target(
                name: "ApusMacros", dependencies: ["ApusMacroPlugin"], swiftSettings: house),
            .macro(
                name: "ApusMacroPlugin",
                dependencies: [
                    "SwiftSyntax", "SwiftParser", "SwiftSyntaxBuilder", "SwiftDiagnostics",
                    "SwiftSyntaxMacros", "SwiftCompilerPlugin",
                ].map { product($0, of: "swift-syntax", if: "Macros") },
                swiftSettings: house),
        ],
        // Floor 9: what guests do, told to logs, metrics and traces.
        [
            .target(
                name: "ApusObservability",
                dependencies: [
                    "Apus", "ApusSandbox",
                    product("Logging", of: "swift-log", if: "Observability"),
                    product("CoreMetrics", of: "swift-metrics", if: "Observability"),
                    product("Tracing", of: "swift-distributed-tracing", if: "Observability"),
                ],
                swiftSettings: house)
        ],
        // Also floor 8: the command.
        [
            .executableTarget(
                name: "ApusCLI",
                dependencies: [
                    "Apus", "ApusText", "ApusFormat", "ApusScript", "ApusWASI", "ApusCollections",
                    "ApusLocks",
                    product("ArgumentParser", of: "swift-argument-parser", if: "Command"),
                ],
                swiftSettings: house,
                linkerSettings: programLinking),
            .target(
                name: "ApusTestSupport",
                dependencies: ["ApusFormat", "ApusCollections"],
                path: "Tests/ApusTestSupport",
                swiftSettings: house),
            .testTarget(
                name: "ConformanceTests",
                dependencies: [
                    "Apus", "ApusABI", "ApusFormat", "ApusText", "ApusScript", "ApusCollections",
                    "ApusOptimizer", "ApusRuntime", "ApusTestSupport",
                ],
                swiftSettings: house),
            .testTarget(
                name: "ApusCLITests",
                dependencies: ["ApusCLI", "ApusFormat", "ApusText"],
                swiftSettings: house),
            .testTarget(
                name: "TidyTests",
                dependencies: ["ApusFormat"],
                exclude: ["ratchet.txt"],
                swiftSettings: house),
            .executableTarget(
                name: "ApusBenchmarks",
                dependencies: [
                    "Apus", "ApusFormat", "ApusABI", "ApusBaseline", "ApusCollections", "ApusWASI",
                    "ApusTestSupport",
                ],
                path: "Benchmarks",
                exclude: [
                    "README.md", "apus-here", "c-calls.c", "compare-builds", "compare-coverage",
                    "compare-exceptions", "compare-profiling", "compare-programs",
                    "compare-short-operations", "compare-wasi", "feedback", "modules", "start",
                ],
                swiftSettings: house,
                linkerSettings: programLinking),
        ],
    ].flatMap { $0 }
)

// Tests take long to build for release: long runs name those that they want.
if let wanted = Context.environment["APUS_TESTS"]?.split(separator: ",") {
    package.targets.removeAll { target in
        target.type == .test && !wanted.contains { $0 == target.name }
    }
}
