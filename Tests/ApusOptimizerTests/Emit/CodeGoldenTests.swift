import ApusABI
import ApusAssembler
import ApusCollections
import ApusFormat
import ApusText
import Foundation
import Testing

@testable import ApusOptimizer

/// Modules as text to machine code as text. A file in `Golden/Code` ends with it, as comments;
/// `GOLDEN=update` writes these anew.
@Suite struct CodeGoldenTests {
    private static let folder = URL(filePath: #filePath).deletingLastPathComponent()
        .deletingLastPathComponent().appending(path: "Golden/Code")
    private static let separator = ";; code\n"

    static var names: [String] {
        let files = try? FileManager.default.contentsOfDirectory(atPath: folder.path())
        return (files ?? []).filter { $0.hasSuffix(".wat") }.sorted()
    }

    @Test func thereAreListings() { #expect(Self.names.count >= 1) }

    @Test(arguments: names)
    func codeIsAsListed(name: String) throws {
        let file = Self.folder.appending(path: name)
        let text = try String(contentsOf: file, encoding: .utf8)
        let module = text.range(of: Self.separator).map { text[..<$0.lowerBound] } ?? text[...]
        let result = module + Self.separator + (try Self.listing(String(module)))
        if ProcessInfo.processInfo.environment["GOLDEN"] == "update" {
            return try result.write(to: file, atomically: true, encoding: .utf8)
        }
        #expect(text == result)
    }

    private static func listing(_ text: String) throws -> String {
        let module = try ModuleDecoder.decode(ByteStorage(try TextFormat.parseModule(text)))
        try ModuleValidator.validate(module)
        var validator = FunctionValidator(module)
        var compiler = OptimizingCompiler(
            ModuleEnvironment(
                module: module, processor: [.popcnt, .lzcnt, .bmi1, .bmi2, .avx, .avx2, .fma]))
        var listing = ""
        for place in module.bodies.indices {
            let index = module.importedFunctionCount + place
            var batch = CodeBatch()
            try validator.validate(index)
            let isDone = try compiler.compile(index, validator.analysis, into: &batch)
            #expect(isDone, "function \(index)")
            listing += ";; function \(index)\n"
            let bytes = batch.code.span
            for line in CodeListing(bytes).lines { listing += ";;   \(line.text)\n" }
        }
        return listing
    }
}
