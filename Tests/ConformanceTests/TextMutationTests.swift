import ApusCollections
import ApusTestSupport
import ApusText
import Foundation
import Testing

/// Damaged texts are refused or accepted, never fatal. `APUS_TEXT_MUTATIONS` says how many.
@Suite(.enabled(if: WastSuite.folder != nil))
struct TextMutationTests {
    /// A small generator, so that a failure can be repeated.
    private struct Generator: RandomNumberGenerator {
        var state: UInt64
        mutating func next() -> UInt64 {
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            return (state >> 33) ^ (state << 17)
        }
    }

    private static let words = [
        "(", ")", "\"", ";;", "(;", ";)", "(@custom \"x\")", "(@name \"y\")", "$", "$x", "module",
        "func", "block", "end", "if", "else", "(then", "i32.const", "0x", "-1", "nan:0x", "offset=",
        "align=", "99999999999999999999", "param", "(type 9)", "rec", "elem", "\\u{", "\u{0}", "é",
    ]

    private static func mutate(_ text: [UInt8], _ random: inout Generator) -> [UInt8] {
        // A piece is enough, and much faster.
        let start = Int.random(in: 0...max(text.count - 2_000, 0), using: &random)
        var piece = Array(text[start..<min(start + 2_000, text.count)])
        for _ in 0..<Int.random(in: 1...6, using: &random) where !piece.isEmpty {
            let place = Int.random(in: 0..<piece.count, using: &random)
            switch Int.random(in: 0..<4, using: &random) {
            case 0: piece[place] = UInt8.random(in: 0...255, using: &random)
            case 1: piece.removeSubrange(place..<min(place + 8, piece.count))
            case 2:
                let word = words[Int.random(in: 0..<words.count, using: &random)]
                piece.insert(contentsOf: Array(word.utf8), at: place)
            default:
                let end = min(place + 40, piece.count)
                piece.insert(contentsOf: Array(piece[place..<end]), at: 0)
            }
        }
        return piece
    }

    @Test func damagedTexts() throws {
        let count = TestEnvironment.number("APUS_TEXT_MUTATIONS", standard: 1_000)
        var random = Generator(state: UInt64(TestEnvironment.number("APUS_TEXT_SEED", standard: 1)))
        var refused = 0
        let texts = try WastSuite.files().map { [UInt8](try Data(contentsOf: $0.url)) }
        for number in 0..<count {
            let piece = Self.mutate(texts[number % texts.count], &random)
            let storage = ByteStorage(piece)
            if let script = try? TextFormat.parseScript(storage) {
                for command in script.commands {
                    guard case .module(let module) = command.action,
                        let bytes = try? module.bytes()
                    else { continue }
                    _ = try? TextFormat.print(ByteStorage(bytes))
                }
            } else {
                refused += 1
            }
            if let bytes = try? TextFormat.parseModule(storage) {
                _ = try? TextFormat.print(ByteStorage(bytes))
            }
        }
        #expect(refused > count / 2)
    }

    /// The printer reads bytes that nobody has checked.
    @Test func damagedModules() throws {
        let count = TestEnvironment.number("APUS_TEXT_MUTATIONS", standard: 1_000)
        var random = Generator(state: 7)
        let modules = try WastSuite.scripts.get().prefix(40).flatMap { _, script in
            script.commands.lazy.compactMap { command in
                guard case .module(let module) = command.action else { return nil as [UInt8]? }
                return try? module.bytes()
            }.prefix(5)
        }
        for number in 0..<count {
            var bytes = modules[number % modules.count]
            for _ in 0..<3 where !bytes.isEmpty {
                bytes[Int.random(in: 0..<bytes.count, using: &random)] =
                    UInt8.random(in: 0...255, using: &random)
            }
            guard let text = try? TextFormat.print(ByteStorage(bytes)) else { continue }
            // What can be printed need not be text, if its indices make no sense.
            _ = try? TextFormat.parseModule(text)
        }
    }
}
