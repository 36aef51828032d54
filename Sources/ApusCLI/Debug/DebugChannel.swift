internal import ApusLocks

/// What a debugger's client sends and is sent: messages of JSON, each behind a header that says how
/// long it is. Specification: Debug Adapter Protocol, “Base Protocol”.
final class DebugChannel: Sendable {
    private let input: Int32
    private let output: Int32
    private let unread = SystemMutex<[UInt8]>([])
    /// Held while a message is written, and how many have been.
    private let written = SystemMutex(0)

    /// Longer messages are nobody's.
    private static var bytesLimit: Int { 64 << 20 }
    private static var headerLimit: Int { 4096 }

    init(input: Int32, output: Int32) {
        self.input = input
        self.output = output
    }

    // MARK: Reading

    /// What comes next; nil if nothing does any more, or what does is not of this protocol.
    func read() -> [UInt8]? {
        unread.withLock { unread in
            var next = 0
            guard let header = Self.header(&unread, &next, more: { self.more(&$0) }),
                let length = Self.length(header), length <= Self.bytesLimit
            else { return nil }
            while unread.count - next < length {
                guard more(&unread) else { return nil }
            }
            let message = Array(unread[next..<next + length])
            unread.removeFirst(next + length)
            return message
        }
    }

    private func more(_ bytes: inout [UInt8]) -> Bool {
        guard let read = HostProcess.read(input, upTo: 64 << 10), !read.isEmpty else {
            return false
        }
        bytes += read
        return true
    }

    /// The lines up to an empty one; `next` is behind that.
    private static func header(
        _ bytes: inout [UInt8], _ next: inout Int, more: (inout [UInt8]) -> Bool
    ) -> [Substring]? {
        let end = Array("\r\n\r\n".utf8)
        while true {
            if let place = bytes.prefix(headerLimit).firstRange(of: end) {
                next = place.upperBound
                let text = String(decoding: bytes[..<place.lowerBound], as: UTF8.self)
                // A line's end is one character.
                return text.split(separator: "\r\n")
            }
            guard bytes.count < headerLimit, more(&bytes) else { return nil }
        }
    }

    /// The length that a header says; nil if there is none, or anything else in it: what a browser
    /// can be made to send to a port of this machine says more.
    private static func length(_ header: [Substring]) -> Int? {
        guard header.count == 1 else { return nil }
        let parts = header[0].split(separator: ":", maxSplits: 1)
        guard parts.count == 2, parts[0].lowercased() == "content-length" else { return nil }
        return Int(parts[1].drop { $0 == " " }).flatMap { $0 < 0 ? nil : $0 }
    }

    // MARK: Writing

    /// Sends an event.
    func send(event: String, _ body: JSON? = nil) {
        send([("type", "event"), ("event", .string(event))] + (body.map { [("body", $0)] } ?? []))
    }

    /// Answers a request.
    func answer(_ request: DebugRequest, _ body: JSON? = nil) {
        send(
            [
                ("type", "response"), ("request_seq", .integer(request.number)),
                ("success", true), ("command", .string(request.command)),
            ] + (body.map { [("body", $0)] } ?? []))
    }

    /// Says why a request cannot be done.
    func refuse(_ request: DebugRequest, _ reason: String) {
        send([
            ("type", "response"), ("request_seq", .integer(request.number)),
            ("success", false), ("command", .string(request.command)),
            ("message", .string(reason)),
            ("body", ["error": ["id": 1, "format": .string(reason), "showUser": true]]),
        ])
    }

    /// A client that has gone is noticed by who reads.
    private func send(_ members: [(String, JSON)]) {
        written.withLock { count in
            count += 1
            let text = JSON.object([("seq", .integer(count))] + members).text
            let header = "Content-Length: \(text.utf8.count)\r\n\r\n"
            HostProcess.write(Array((header + text).utf8), to: output)
        }
    }
}

/// Something that the client asks for.
struct DebugRequest: Sendable {
    let number: Int
    let command: String
    let arguments: JSON

    /// The request that a message is; nil if it is none.
    init?(_ message: JSON) {
        guard message["type"]?.string == "request", let number = message["seq"]?.integer,
            let command = message["command"]?.string
        else { return nil }
        self.number = number
        self.command = command
        arguments = message["arguments"] ?? .object([])
    }
}

/// Why a request cannot be done.
struct DebugRequestError: Error, CustomStringConvertible {
    let description: String

    init(_ description: String) { self.description = description }
}
