import Foundation
import Testing

/// A client of `apus debug`, as an editor is one.
final class DebugClient {
    typealias Message = [String: Any]

    private let process = Process()
    private let toAdapter: FileHandle
    private let fromAdapter: FileHandle
    private var unread = Data()
    private var events: [Message] = []
    private var nextNumber = 1
    private let watchdog: DispatchWorkItem

    struct Failure: Error, CustomStringConvertible {
        let description: String
    }

    init(_ arguments: [String] = [], in folder: URL) throws {
        process.executableURL = Command.executable
        process.arguments = ["debug"] + arguments
        process.currentDirectoryURL = folder
        let input = Pipe()
        let output = Pipe()
        process.standardInput = input
        process.standardOutput = output
        toAdapter = input.fileHandleForWriting
        fromAdapter = output.fileHandleForReading
        try process.run()
        watchdog = Self.watch(process)
    }

    /// A client of an adapter that listens on a port, and reads `input` itself.
    init(listening arguments: [String], input: String, in folder: URL) throws {
        process.executableURL = Command.executable
        process.arguments = ["debug", "--listen", "127.0.0.1:0"] + arguments
        process.currentDirectoryURL = folder
        let given = Pipe()
        let errors = Pipe()
        process.standardInput = given
        process.standardError = errors
        try process.run()
        watchdog = Self.watch(process)
        try given.fileHandleForWriting.write(contentsOf: Data(input.utf8))
        try given.fileHandleForWriting.close()
        var said = ""
        while !said.hasSuffix("\n") {
            let more = errors.fileHandleForReading.availableData
            if more.isEmpty { throw Failure(description: "it does not listen: \(said)") }
            said += String(decoding: more, as: UTF8.self)
        }
        let port = said.dropLast().split(separator: ":").last.flatMap { UInt16($0) } ?? 0
        let connection = try Self.connection(to: port)
        toAdapter = connection
        fromAdapter = connection
    }

    private static func connection(to port: UInt16) throws -> FileHandle {
        let descriptor = socket(AF_INET, 1, 0)
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = port.bigEndian
        address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
        // SAFETY: the address is a variable of this function, of the kind that its family says.
        let status = unsafe withUnsafePointer(to: &address) { pointer in
            unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { address in
                unsafe connect(descriptor, address, socklen_t(MemoryLayout<sockaddr_in>.size))
            }
        }
        guard status == 0 else { throw Failure(description: "nobody listens on \(port)") }
        return FileHandle(fileDescriptor: descriptor, closeOnDealloc: true)
    }

    /// Whatever goes wrong ends some day.
    private static func watch(_ process: Process) -> DispatchWorkItem {
        let watchdog = DispatchWorkItem { process.terminate() }
        DispatchQueue.global().asyncAfter(deadline: .now() + 120, execute: watchdog)
        return watchdog
    }

    deinit {
        watchdog.cancel()
        if process.isRunning { process.terminate() }
    }

    // MARK: Messages

    func send(raw text: String) throws {
        try toAdapter.write(contentsOf: Data(text.utf8))
    }

    /// Sends a request and returns its number.
    @discardableResult
    func send(_ command: String, _ arguments: Message = [:]) throws -> Int {
        let number = nextNumber
        nextNumber += 1
        let message: Message = [
            "seq": number, "type": "request", "command": command, "arguments": arguments,
        ]
        let data = try JSONSerialization.data(withJSONObject: message)
        let text = String(decoding: data, as: UTF8.self)
        try send(raw: "Content-Length: \(data.count)\r\n\r\n" + text)
        return number
    }

    /// The next message; nil at the end.
    private func receive() throws -> Message? {
        let end = Data("\r\n\r\n".utf8)
        while true {
            if let header = unread.firstRange(of: end) {
                let text = String(decoding: unread[..<header.lowerBound], as: UTF8.self)
                let length = Int(text.split(separator: " ").last ?? "") ?? 0
                let start = header.upperBound
                if unread.endIndex - start >= length {
                    let body = Data(unread[start..<start + length])
                    unread = Data(unread[(start + length)...])
                    return try JSONSerialization.jsonObject(with: body) as? Message
                }
            }
            let more = fromAdapter.availableData
            if more.isEmpty { return nil }
            unread += more
        }
    }

    /// Sends a request and returns what the answer holds; throws what a refusal says.
    @discardableResult
    func request(_ command: String, _ arguments: Message = [:]) throws -> Message {
        try answer(to: send(command, arguments))
    }

    /// What the answer to request `number` holds; throws what a refusal says.
    @discardableResult
    func answer(to number: Int) throws -> Message {
        while let message = try receive() {
            if message["type"] as? String == "event" {
                events.append(message)
                continue
            }
            guard message["request_seq"] as? Int == number else { continue }
            guard message["success"] as? Bool == true else {
                throw Failure(description: message["message"] as? String ?? "?")
            }
            return message["body"] as? Message ?? [:]
        }
        throw Failure(description: "no answer to request \(number)")
    }

    /// The body of the next event called `name`; others before it are dropped, but for output.
    func event(_ name: String) throws -> Message {
        while true {
            if !events.isEmpty {
                let event = events.removeFirst()
                if event["event"] as? String == name { return event["body"] as? Message ?? [:] }
                note(event)
                continue
            }
            guard let message = try receive() else {
                throw Failure(description: "no event \(name)")
            }
            if message["type"] as? String == "event" { events.append(message) }
        }
    }

    /// What the program has written.
    private(set) var output = ""
    /// What the adapter has.
    private(set) var console = ""

    private func note(_ event: Message) {
        guard let body = event["body"] as? Message, let text = body["output"] as? String else {
            return
        }
        if body["category"] as? String == "console" { console += text } else { output += text }
    }

    // MARK: Conversations

    /// Begins, and goes as far as to where breakpoints are set.
    func launch(_ arguments: Message) throws {
        let capabilities = try request("initialize", ["adapterID": "apus"])
        #expect(capabilities["supportsConfigurationDoneRequest"] as? Bool == true)
        try request("launch", arguments)
        _ = try event("initialized")
    }

    /// Names and lines of the frames of a thread.
    func stack(ofThread thread: Int = 1) throws -> [String] {
        let body = try request("stackTrace", ["threadId": thread])
        let frames = body["stackFrames"] as? [Message] ?? []
        return frames.map { "\($0["name"] as? String ?? ""):\($0["line"] as? Int ?? 0)" }
    }

    /// The variables of a scope of frame `frame`, by name, and the scope's number.
    func scope(_ name: String, frame: Int = 1) throws -> (Int, [String: String]) {
        let scopes = try request("scopes", ["frameId": frame])["scopes"] as? [Message] ?? []
        let found = try #require(scopes.first { $0["name"] as? String == name })
        let reference = try #require(found["variablesReference"] as? Int)
        return (reference, try variables(reference).mapValues { $0["value"] as? String ?? "" })
    }

    func variables(_ reference: Int) throws -> [String: Message] {
        let found = try request("variables", ["variablesReference": reference])
        var variables: [String: Message] = [:]
        for variable in found["variables"] as? [Message] ?? [] {
            variables[variable["name"] as? String ?? ""] = variable
        }
        return variables
    }

    func evaluate(_ expression: String, frame: Int = 1) throws -> String {
        let body: Message = ["expression": expression, "frameId": frame, "context": "watch"]
        return try request("evaluate", body)["result"] as? String ?? ""
    }

    /// Why the program stops next.
    func stop() throws -> String { try event("stopped")["reason"] as? String ?? "" }

    /// Lets it go on, and says why it stops next.
    func go(_ command: String, _ arguments: Message = [:]) throws -> String {
        try request(command, ["threadId": 1].merging(arguments) { $1 } as Message)
        return try stop()
    }

    /// The client goes away; the adapter's status.
    func leave() throws -> Int32 {
        try toAdapter.close()
        if fromAdapter !== toAdapter { while try receive() != nil {} }
        process.waitUntilExit()
        return process.terminationStatus
    }
}
