import ApusABI
import ApusAssembler
import ApusBaseline
import ApusCollections
import ApusFormat
import Foundation
import Testing

/// Machine code of small modules, compared byte by byte with the listings in `Golden`.
///
/// A listing has the module as text and as bytes, then the code of its functions with LLVM's
/// reading of it. `GOLDEN=update` writes the code anew; `annotate-golden` makes the bytes from the
/// text of a new listing and adds the reading.
@Suite struct GoldenTests {
    private static let folder = URL(filePath: #filePath).deletingLastPathComponent()
        .appending(path: "Golden")

    static var names: [String] {
        let files = try? FileManager.default.contentsOfDirectory(atPath: folder.path())
        return (files ?? []).filter { $0.hasSuffix(".golden") }.sorted()
    }

    @Test func thereAreListings() { #expect(Self.names.count >= 15) }

    @Test(arguments: names)
    func codeIsAsListed(name: String) throws {
        let file = Self.folder.appending(path: name)
        var listing = try GoldenListing(String(contentsOf: file, encoding: .utf8))
        let code = try compile(
            listing.module, useAVX: !name.contains("sse"),
            linkage: name.contains("tiers")
                ? .table(.bytes)
                : .direct,
            countsBlocks: name.contains("counted"))
        if ProcessInfo.processInfo.environment["GOLDEN"] == "update" {
            if listing.code != code {
                listing.replaceCode(code)
                try listing.text.write(to: file, atomically: true, encoding: .utf8)
            }
            return
        }
        #expect(listing.code == code)
    }

    /// The code of each function in hexadecimal.
    private func compile(
        _ bytes: [UInt8], useAVX: Bool, linkage: FunctionLinkage, countsBlocks: Bool
    ) throws -> [String] {
        let module = try ModuleDecoder.decode(ByteStorage(bytes))
        try ModuleValidator.validate(module)
        var validator = FunctionValidator(module)
        let processor: ProcessorFeatures =
            useAVX ? [.popcnt, .lzcnt, .bmi1, .bmi2, .avx, .avx2, .fma] : []
        var environment = ModuleEnvironment(module: module, processor: processor)
        environment.linkage = countsBlocks ? .table(nil) : linkage
        environment.countsBlocks = countsBlocks
        var compiler = BaselineCompiler(environment)
        var code: [String] = []
        for place in module.bodies.indices {
            var batch = CodeBatch()
            let index = place + module.importedFunctionCount
            try validator.validate(index)
            try compiler.compile(index, validator.analysis, into: &batch)
            let function = batch.functions[0]
            let bytes = batch.code.span
            code.append(
                (Int(function.codeStart)..<Int(function.codeStart + function.codeLength))
                    .map { hexadecimal(bytes[$0]) }.joined())
        }
        return code
    }
}

private func hexadecimal(_ byte: UInt8) -> String {
    String(byte >> 4, radix: 16) + String(byte & 15, radix: 16)
}

/// The three parts of a golden file.
private struct GoldenListing {
    private let head: String
    let module: [UInt8]
    private(set) var code: [String]

    struct Malformed: Error {}

    init(_ text: String) throws {
        guard let bytesStart = text.range(of: ";; bytes\n"),
            let codeStart = text.range(of: ";; code\n")
        else { throw Malformed() }
        head = String(text[..<codeStart.upperBound])
        var bytes: [UInt8] = []
        let digits = text[bytesStart.upperBound..<codeStart.lowerBound].filter(\.isHexDigit)
        var rest = digits[...]
        while let byte = UInt8(rest.prefix(2), radix: 16) {
            bytes.append(byte)
            rest = rest.dropFirst(2)
        }
        module = bytes
        // One blank line between functions; each line begins with the instruction's bytes.
        code = text[codeStart.upperBound...].components(separatedBy: "\n\n").map { function in
            function.split(separator: "\n").map { $0.prefix { $0.isHexDigit } }.joined()
        }
        if code.last == "" { code.removeLast() }
    }

    mutating func replaceCode(_ code: [String]) { self.code = code }

    var text: String { head + code.joined(separator: "\n\n") + "\n" }
}
