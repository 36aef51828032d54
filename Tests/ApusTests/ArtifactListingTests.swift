import ApusCollections
import Foundation
import Testing

@testable @_spi(ApusCLI) import Apus
@testable import ApusRuntime

/// Compiled modules, taken apart.
@Suite struct ArtifactListingTests {
    private static func artifact(_ compiler: Engine.Compiler) throws -> [UInt8] {
        var configuration = Engine.Configuration()
        configuration.compiler = compiler
        configuration.isFuelMetered = true
        return try Module(Engine(configuration), text: ArtifactTests.text).serialize()
    }

    @Test(arguments: Engine.Compiler.allCases)
    func whatIsInIt(compiler: Engine.Compiler) throws {
        let bytes = try Self.artifact(compiler)
        let listing = try ArtifactListing(ByteStorage(bytes))
        #expect(listing.isOfThisBuild && listing.build == ArtifactListing.thisBuild)
        #expect(listing.compiler == compiler.rawValue)
        #expect(listing.byteCount == bytes.count)
        #expect(listing.features.contains("simd"))
        #expect(listing.settings.contains("metering of fuel"))
        #expect(listing.sections.map(\.name).contains("code"))
        #expect(Set([listing.moduleChecksum, listing.headerChecksum]).count == 2)
        #expect(!listing.isPartial)
        let code = try #require(listing.sections.first { $0.name == "code" })
        #expect(listing.functions.reduce(0) { $0 + $1.codeBytes } <= code.range.count)
        let quotient = try #require(listing.functions.first { $0.name == "quotient" })
        #expect(quotient.index == 1 && quotient.traps > 0 && quotient.codeBytes > 0)
        #expect(quotient.calls == 0)
        let deep = try #require(listing.functions.first { $0.name == "deep" })
        #expect(deep.calls > 0)
        let text = try listing.disassembly(of: "deep")
        #expect(text.hasPrefix(";; function \(deep.index) deep, \(deep.codeBytes) bytes at code+"))
        // Calls name the function that they lead to.
        #expect(text.contains("call function 1") || compiler != .baseline)
        let all = try listing.disassembly(of: nil)
        #expect(all.contains(text))
        #expect(all.components(separatedBy: ";; function ").count == listing.functions.count + 1)
        #expect(all.contains("integer divide by zero"))
    }

    /// What the cache keeps of a program that has run.
    @Test func partialArtifacts() throws {
        let engine = Engine()
        let module = try Module(engine, text: ArtifactTests.text)
        _ = try ArtifactTests.behaviour(module)
        let listing = try ArtifactListing(ByteStorage(module.artifact()))
        #expect(listing.isPartial && !listing.functions.isEmpty)
        let text = try listing.disassembly(of: "deep")
        #expect(text.contains("call function 1"))
        let fresh = try Module(engine, text: ArtifactTests.text).artifact()
        let empty = try ArtifactListing(ByteStorage(fresh))
        #expect(empty.functions.isEmpty)
        #expect(throws: ArtifactError.incomplete) { try empty.disassembly(of: nil) }
    }

    /// Each byte counts: what was changed is said to be damaged, and nothing else happens.
    @Test func damagedArtifacts() throws {
        let bytes = try Self.artifact(.baseline)
        for place in stride(from: 8, to: bytes.count, by: 97) {
            var damaged = bytes
            damaged[place] ^= 0x40
            #expect(throws: ArtifactError.self, "at \(place)") {
                try ArtifactListing(ByteStorage(damaged))
            }
        }
        for count in [0, 8, 100, 1023, 1024, 5000] {
            #expect(throws: ArtifactError.self) {
                try ArtifactListing(ByteStorage(Array(bytes[..<count])))
            }
        }
    }

    /// Nothing that is written in one is believed, not even if its checksums were made to fit.
    @Test func hostileArtifacts() throws {
        let bytes = try Self.artifact(.baseline)
        let whole = try ArtifactListing(ByteStorage(bytes))
        // The table of sections, the records of functions and places, and the code.
        let parts = whole.sections.filter { $0.name != "module" && $0.name != "images" }
        var places = Array(stride(from: 96, to: 96 + 32 * whole.sections.count, by: 5))
        for part in parts {
            places += stride(
                from: part.range.lowerBound, to: part.range.upperBound,
                by: max(part.range.count / 20, 1))
        }
        var refusals = 0
        for place in places {
            var changed = bytes
            changed[place] ^= place % 2 == 0 ? 0x81 : 0xFF
            do {
                let artifact = try Artifact(ByteStorage(changed), nil, isTrusted: true)
                _ = try ArtifactListing(artifact).disassembly(of: nil)
            } catch is ArtifactError {
                refusals += 1
            }
        }
        #expect(refusals > 10 && refusals < places.count)
    }
}
