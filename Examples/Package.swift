// swift-tools-version: 6.2
import PackageDescription

let package = Package(
    name: "Examples",
    platforms: [.macOS(.v26)],
    dependencies: [
        // The libraries alone: nothing else of Apus' is resolved.
        .package(name: "Apus", path: "..", traits: []),
        .package(url: "https://github.com/hummingbird-project/hummingbird", from: "2.28.1"),
    ],
    targets: [
        .executableTarget(
            name: "PluginHost",
            dependencies: [.product(name: "Apus", package: "Apus")],
            resources: [.copy("Plugins")]),
        .executableTarget(
            name: "RulesEngine",
            dependencies: [
                .product(name: "Apus", package: "Apus"),
                .product(name: "ApusSandbox", package: "Apus"),
            ],
            resources: [.copy("Rules")]),
        // What a Swift macro does, by a guest: at build time, in a sandbox, from a binary.
        .executableTarget(
            name: "ExpandTool",
            dependencies: [
                .product(name: "Apus", package: "Apus"),
                .product(name: "ApusWASI", package: "Apus"),
            ]),
        .plugin(name: "ExpandMacros", capability: .buildTool(), dependencies: ["ExpandTool"]),
        .executableTarget(
            name: "Animals", exclude: ["is-case.wasm"], plugins: ["ExpandMacros"]),
        .executableTarget(
            name: "HTTPService",
            dependencies: [
                .product(name: "Apus", package: "Apus"),
                .product(name: "ApusSandbox", package: "Apus"),
                .product(name: "Hummingbird", package: "hummingbird"),
            ]),
        .testTarget(
            name: "HTTPServiceTests",
            dependencies: [
                "HTTPService",
                .product(name: "HummingbirdTesting", package: "hummingbird"),
            ]),
    ]
)
