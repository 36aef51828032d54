import ApusIR
import Foundation
import Testing

/// Passes from a function as text to another: a file has the function, a line `;; becomes`, and
/// what the pass named by the folder makes of it. `GOLDEN=update` writes the latter anew.
@Suite struct PassGoldenTests {
    private static let separator = ";; becomes\n"

    @Test(arguments: Golden.names(in: "DeadCode"))
    func deadCode(name: String) throws {
        try check("DeadCode/\(name)") { function in
            var pass = DeadCode()
            pass.run(&function)
        }
    }

    @Test(arguments: Golden.names(in: "CodeMotion"))
    func codeMotion(name: String) throws {
        try check("CodeMotion/\(name)") { function in
            var pass = CodeMotion()
            pass.run(&function)
        }
    }

    @Test(arguments: Golden.names(in: "IfConversion"))
    func ifConversion(name: String) throws {
        try check("IfConversion/\(name)") { function in
            var pass = IfConversion()
            pass.run(&function)
        }
    }

    @Test(arguments: Golden.names(in: "BlockLayout"))
    func blockLayout(name: String) throws {
        try check("BlockLayout/\(name)") { function in
            var pass = BlockLayout()
            pass.run(&function)
        }
    }

    @Test(arguments: ["DeadCode", "IfConversion", "CodeMotion", "BlockLayout"])
    func thereAreListings(pass: String) { #expect(Golden.names(in: pass).count >= 2) }

    private func check(_ name: String, _ run: (inout Function) -> Void) throws {
        let text = try Golden.text(name)
        let head = try #require(text.range(of: Self.separator)).upperBound
        var function = try Function(text: String(text[..<head]))
        var verifier = Verifier()
        #expect(verifier.verify(function) == [], "\(name) before")
        run(&function)
        #expect(verifier.verify(function) == [], "\(name) after")
        let result = function.text()
        if Golden.isUpdating {
            return try Golden.write(text[..<head] + result, to: name)
        }
        #expect(text[head...] == result, "\(name)")
    }
}
