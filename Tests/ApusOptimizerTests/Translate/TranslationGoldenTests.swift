import ApusCollections
import ApusFormat
import ApusIR
import ApusText
import Foundation
import Testing

@testable import ApusOptimizer

/// Modules as text to functions as text: what the translator and the builder make of them, and
/// the passes of that. A file in `Golden` ends with it, as comments; `GOLDEN=update` writes these
/// anew.
@Suite struct TranslationGoldenTests {
    private static let folder = URL(filePath: #filePath).deletingLastPathComponent()
        .deletingLastPathComponent().appending(path: "Golden")
    private static let separator = ";; functions\n"

    static var names: [String] {
        let files = try? FileManager.default.contentsOfDirectory(atPath: folder.path())
        return (files ?? []).filter { $0.hasSuffix(".wat") }.sorted()
    }

    @Test func thereAreListings() { #expect(Self.names.count >= 4) }

    @Test(arguments: names)
    func functionsAreAsListed(name: String) throws {
        let file = Self.folder.appending(path: name)
        let text = try String(contentsOf: file, encoding: .utf8)
        let module = text.range(of: Self.separator).map { text[..<$0.lowerBound] } ?? text[...]
        let listing = try Self.listing(String(module))
        let result = module + Self.separator + listing
        if ProcessInfo.processInfo.environment["GOLDEN"] == "update" {
            return try result.write(to: file, atomically: true, encoding: .utf8)
        }
        #expect(text == result)
    }

    private static func listing(_ text: String) throws -> String {
        var functions = try ModuleFunctions(try TextFormat.parseModule(text))
        let defined = functions.module.bodies.count
        var listing = ""
        var passes = Passes()
        let translated = try functions.forEach { index, function in
            listing += comment("function \(index)\n\(function.text(offsets: true))")
            let built = function.text(offsets: true)
            passes.run(&function)
            let improved = function.text(offsets: true)
            if improved != built { listing += comment("improved\n\(improved)") }
        }
        #expect(translated == defined)
        return listing
    }

    private static func comment(_ text: String) -> String {
        text.split(separator: "\n").map { ";; \($0)\n" }.joined()
    }
}
