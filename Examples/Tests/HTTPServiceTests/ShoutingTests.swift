import Hummingbird
import HummingbirdTesting
import Testing

@testable import HTTPService

@Suite struct ShoutingTests {
    /// More requests at once than there are instances: each gets its own answer.
    @Test func everyRequestIsAnswered() async throws {
        let application = Application(router: try Shouting(instances: 4).router())
        try await application.test(.router) { client in
            try await withThrowingTaskGroup(of: Void.self) { group in
                for number in 0..<200 {
                    group.addTask {
                        let text = "request \(number)"
                        let response = try await client.executeRequest(
                            uri: "/shout", method: .post, headers: [:],
                            body: ByteBuffer(string: text))
                        #expect(response.status == .ok)
                        #expect(String(buffer: response.body) == text.uppercased())
                    }
                }
                try await group.waitForAll()
            }
        }
    }
}
