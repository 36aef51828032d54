// swift-tools-version: 6.2
import CompilerPluginSupport
import PackageDescription

// A package of their own, so that these tests build nothing but what they need.
let package = Package(
    name: "MacroTests",
    platforms: [.macOS(.v26)],
    dependencies: [
        .package(name: "Apus", path: "../..", traits: ["Macros"]),
        .package(url: "https://github.com/swiftlang/swift-syntax", "602.0.0"..<"604.0.0"),
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
    ]
)
