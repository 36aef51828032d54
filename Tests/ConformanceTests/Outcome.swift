import Apus
import ApusTestSupport

/// What a call comes to, in words that both engines have. NaNs are canonical.
enum Outcome: Hashable {
    case values([ReferenceValue])
    case trap(String)

    init(_ body: () throws -> [ReferenceValue]) {
        do {
            self = .values(try body().map(\.canonical))
        } catch let exception as ReferenceException {
            self = .trap(Self.withoutNaNs(exception.description[...]))
        } catch let trap as ReferenceTrap {
            self = .trap(trap.rawValue)
        } catch let exception as WasmException {
            self = .trap(
                Self.withoutNaNs(Self.nameless(exception.description.prefix { $0 != "\n" })))
        } catch let trap as Trap {
            self = .trap(trap.code.description)
        } catch {
            self = .trap("\(error)")
        }
    }

    /// The reference has no names of tags.
    private static func nameless(_ text: Substring) -> Substring {
        let head = "uncaught exception "
        guard text.hasPrefix(head), let values = text.firstIndex(of: "(") else { return text }
        return head + text[values...]
    }

    /// Which NaN arithmetic gives is open (4.3.3).
    private static func withoutNaNs(_ text: Substring) -> String {
        String(text.replacing(/-?s?nan(\(0x[0-9a-f]+\))?/, with: "nan"))
    }

    static func stopped(by trap: ReferenceTrap) -> Outcome { .trap(trap.rawValue) }
}
